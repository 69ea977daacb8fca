// The story: an operator pauses a handler. From the worker's acknowledgement on nothing of it is
// applied, and the handler beside it in the same process does not notice. The worker is killed and
// another one starts: still paused, and ready. Resumed, everything is applied, in order, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/admin/http_get.hpp"
#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using testing::HasSubstr;

constexpr int kEvents = 500;

class HandlerPausedByAnOperator : public testing::Test {
 protected:
  static std::string id(int number) {
    const std::string digits = std::to_string(number);
    return "e-" + std::string(6 - digits.size(), '0') + digits;
  }
  // The next events, of ten keys; the last of several is retried before it succeeds.
  void publish(int events) {
    std::vector<DrillEvent> batch;
    for (int i = 0; i < events; ++i, ++published_) {
      batch.push_back({.id = id(published_),
                       .key = "k" + std::to_string(published_ % 10),
                       .fail = i > 0 && i + 1 == events ? 1 : 0});
    }
    stage_.publish(batch);
  }
  int handlers(const std::string& verb, const std::string& wait = "10s") {
    const auto command = stage_.command_line(
        {"handlers", verb, "drill", "--reason", "the story", "--actor", "anna", "--wait", wait});
    return command->wait_exit().value_or(-1);
  }
  bool wait_lag(WorkerProcess& worker, int events) {
    return stage_.wait_metric(worker, "spool_consumer_lag_messages.*" + stage_.topic() + "\".* " +
                                          std::to_string(events) + "$") &&
           stage_.wait_metric(worker, "spool_consumer_paused.*\"operator\".*" + stage_.topic() +
                                          "\".* 1$|spool_consumer_paused.*" + stage_.topic() +
                                          "\".*\"operator\".* 1$");
  }

  DrillStage stage_{{.partitions = 1, .handlers = {"drill", "drill_flaky"}}};
  int published_ = 0;
};

TEST_F(HandlerPausedByAnOperator, StaysSoAndGoesOnInOrder) {
  WorkerProcess& first = stage_.start_worker();
  publish(kEvents);
  ASSERT_TRUE(stage_.wait_settled()) << stage_.logs();
  ASSERT_EQ(handlers("pause"), 0) << stage_.logs();
  publish(kEvents);
  stage_.publish({{.id = "beside"}}, "drill_flaky");
  ASSERT_TRUE(stage_.wait_applied(1, "drill_flaky")) << stage_.logs();
  ASSERT_TRUE(wait_lag(first, kEvents)) << stage_.logs();
  EXPECT_EQ(stage_.applied(), kEvents);

  first.kill();
  WorkerProcess& second = stage_.start_worker();
  publish(kEvents);
  ASSERT_TRUE(wait_lag(second, 2 * kEvents)) << stage_.logs();
  const std::string ready =
      "http://127.0.0.1:" + std::to_string(second.admin_port()) + "/readyz?verbose";
  const auto answer = admin::http_get(ready, kPatience);
  ASSERT_TRUE(answer) << answer.failure().text;
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_THAT(answer->body, HasSubstr("drill/0 operator"));
  EXPECT_EQ(stage_.applied(), kEvents);
  EXPECT_EQ(stage_.number("select max(version) from spool.handler_acknowledgements"), 1);

  ASSERT_EQ(handlers("resume"), 0) << stage_.logs();
  ASSERT_TRUE(stage_.wait_settled()) << stage_.logs();
  EXPECT_EQ(stage_.applied(), 3 * kEvents) << "each once: the table refuses a second time";
  EXPECT_EQ(stage_.number("select count(*) from drill.effects e where exists (select from"
                          " drill.effects f where f.handler = e.handler and f.order_key ="
                          " e.order_key and f.event_id < e.event_id and f.serial > e.serial)"),
            0)
      << "applied out of order";
  EXPECT_EQ(stage_.number("select count(*) from spool.dead_letters"), 0);
  EXPECT_EQ(stage_.text("select string_agg(action || ' ' || actor, ', ' order by number)"
                        " from spool.audit_log"),
            "handler.pause anna, handler.resume anna");
  stage_.expect_conserved();
}

TEST_F(HandlerPausedByAnOperator, IsAcknowledgedOnceWhatHadBegunHasEnded) {
  stage_.start_worker(
      {{"SPOOL__DATABASE__LOCK_TIMEOUT", "30s"}, {"SPOOL__DATABASE__STATEMENT_TIMEOUT", "60s"}});
  auto holder = stage_.database().connect();
  need(holder->execute_script("begin; lock table drill.effects in exclusive mode"), "a lock");
  publish(1);
  ASSERT_TRUE(
      stage_.wait_true("select exists (select from pg_locks where not granted and relation"
                       " = 'drill.effects'::regclass)"))
      << stage_.logs();
  EXPECT_EQ(handlers("pause", "1s"), 3) << "a batch is under way";
  const std::string acknowledged =
      "select count(*) = 1 from spool.handler_acknowledgements where handler = 'drill' and version"
      " = 1";
  EXPECT_EQ(stage_.text(acknowledged), "f");
  publish(1);
  holder.reset();
  ASSERT_TRUE(stage_.wait_true(acknowledged)) << stage_.logs();
  EXPECT_EQ(stage_.applied(), 1) << "the one that had begun";
}

// What was begun is finished; what was not is no reason to stay.
TEST_F(HandlerPausedByAnOperator, KeepsNobodyFromEnding) {
  WorkerProcess& worker = stage_.start_worker();
  ASSERT_TRUE(worker.says({"lane.taken", "drill/0"})) << worker.tail();
  ASSERT_EQ(handlers("pause"), 0) << stage_.logs();
  publish(kEvents);
  ASSERT_TRUE(wait_lag(worker, kEvents)) << stage_.logs();
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait_exit(std::chrono::seconds(20)), 0) << worker.tail();
  EXPECT_EQ(stage_.applied(), 0);
}

}  // namespace
}  // namespace spool::test
