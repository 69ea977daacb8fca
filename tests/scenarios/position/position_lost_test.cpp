// The story: the log no longer has what the database's position promises. Either the topic was
// recreated, so that the offsets mean other records, or retention removed records that were never
// applied. Going on would skip events or take strangers for ours: the lanes stop, say
// position_lost, and nothing is written, until an operator accepts the loss. Then they go on where
// the records do, nothing is applied twice, and the books balance.
#include <gtest/gtest.h>
#include <signal.h>

#include "engine/store/lane_query.hpp"
#include "engine/store/ledger_audit.hpp"
#include "engine/store/operator_commands.hpp"
#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

class PositionLost : public ::testing::Test {
 protected:
  void SetUp() override {
    scenario.publish(first.records);
    WorkerProcess& worker = scenario.start_worker();
    ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
    worker.signal(SIGTERM);
    ASSERT_EQ(worker.wait_exit(), 0) << worker.tail();
    before = state();
  }

  // Everything but who owns the lanes.
  std::string state() {
    return scenario.text(
               "select string_agg(partition || ':' || next_offset || ':' || applied, ',' order by"
               " partition) from spool.lanes") +
           "/" +
           scenario.text(
               "select md5(string_agg(w::text, ',' order by w::text)) from media.watch_progress w");
  }

  WorkerProcess& expect_all_stopped() {
    WorkerProcess& worker = scenario.start_worker();
    for (int partition = 0; partition < 2; ++partition) {
      EXPECT_TRUE(worker.says(
          {"lane.stopped", "position_lost", "progress_events/" + std::to_string(partition)}))
          << worker.tail();
    }
    EXPECT_EQ(state(), before);
    EXPECT_EQ(scenario.number("select count(*) from spool.lanes where state = 'stopped' and reason"
                              " = 'position_lost'"),
              2);
    EXPECT_EQ(worker.count({"batch.committed"}), 0);
    return worker;
  }

  // What both lanes have lost, each up to the first record of its log; how many offsets that is.
  std::int64_t accept_all() {
    std::int64_t lost = 0;
    for (const store::LaneInfo& lane :
         need(store::list_lanes(*connection, std::nullopt), "the lanes")) {
      const auto marks = need(scenario.cluster().watermarks(scenario.topic(), lane.lane.partition,
                                                            std::chrono::seconds(10)),
                              "the log");
      need(store::give_acceptance(*connection, lane.lane, {lane.next, marks.low},
                                  {"operator", "a drill"}),
           "acceptance");
      lost += std::max<std::int64_t>(0, marks.low - lane.next);
    }
    return lost;
  }

  void expect_books_balance(std::int64_t counted, std::int64_t lost) {
    const auto report = need(store::audit_ledger(*connection, std::chrono::hours(24)), "audit");
    for (const store::LedgerFinding& one : report.findings) ADD_FAILURE() << one.what;
    EXPECT_EQ(scenario.number("select sum(applied + duplicate + dead) from spool.lanes"), counted);
    EXPECT_EQ(scenario.number("select sum(lost) from spool.lanes"), lost);
    EXPECT_EQ(scenario.number("select count(*) from spool.audit_log where action ="
                              " 'accept_loss.finished' and actor = 'operator' and reason ="
                              " 'a drill' and detail ->> 'done' = '1'"),
              2);
    for (const store::LaneInfo& lane :
         need(store::list_lanes(*connection, std::nullopt), "the lanes")) {
      EXPECT_EQ(lane.losses, 1);
      EXPECT_EQ(lane.state, "running");
    }
  }

  Scenario scenario{{.partitions = 2}};
  Generated first =
      generate({.seed = 9, .events = 1'000, .keys = 100, .partitions = 2, .poison = 0});
  Generated second =
      generate({.seed = 10, .events = 3'000, .keys = 100, .partitions = 2, .poison = 0});
  std::unique_ptr<postgres::Connection> connection = scenario.database().connect();
  std::string before;
};

// The loss is accepted while no worker runs: the next one finds it.
TEST_F(PositionLost, RecreatedTopicIsShorter) {
  scenario.recreate_topic();
  WorkerProcess& worker = expect_all_stopped();
  worker.signal(SIGTERM);
  ASSERT_EQ(worker.wait_exit(), 0) << worker.tail();
  EXPECT_EQ(accept_all(), 0) << "of this log nothing is lost";
  scenario.publish(second.records, 0, 100);
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  expect_books_balance(1'100, 0);
}

// The offsets exist, but other records stand there: only the timestamp of the record before the
// position tells.
TEST_F(PositionLost, RecreatedTopicIsLonger) {
  scenario.recreate_topic();
  scenario.publish(second.records);
  expect_all_stopped();
  EXPECT_EQ(accept_all(), 0);
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  expect_books_balance(4'000, 0);
}

TEST_F(PositionLost, RetentionRemovedTheHead) {
  scenario.publish(second.records);
  for (std::int32_t partition = 0; partition < 2; ++partition) {
    const auto removed = scenario.cluster().delete_records(
        scenario.topic(), partition, scenario.end_offset(partition) - 1, std::chrono::seconds(30));
    ASSERT_TRUE(removed) << removed.failure().text;
  }
  expect_all_stopped();
  EXPECT_EQ(accept_all(), 3'000 - 2) << "the last record of each partition is there";
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  expect_books_balance(1'002, 3'000 - 2);
}

// Nobody restarts anything: the reader is refused, the lane is taken again, and that shows it.
TEST_F(PositionLost, RecreatedUnderARunningWorker) {
  WorkerProcess& worker = scenario.start_worker();
  ASSERT_TRUE(worker.says({"lane.taken", "progress_events/0"})) << worker.tail();
  ASSERT_TRUE(worker.says({"lane.taken", "progress_events/1"})) << worker.tail();
  scenario.recreate_topic();
  for (int partition = 0; partition < 2; ++partition) {
    ASSERT_TRUE(worker.says(
        {"lane.stopped", "position_lost", "progress_events/" + std::to_string(partition)}))
        << worker.tail();
  }
  scenario.publish(second.records);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(accept_all(), 0);
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  expect_books_balance(4'000, 0);
}

}  // namespace
}  // namespace spool::test
