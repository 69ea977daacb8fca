// Pausing and resuming a handler, as an operator sees it: with nobody there, with a worker that
// answers, with one that does not.
#include <signal.h>

#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HandlersCliTest : public CliTest {
 protected:
  Ended handlers(const std::string& verb, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"handlers", verb, "progress_events"};
    words.insert(words.end(), more.begin(), more.end());
    return spool(words);
  }
  Ended decide(const std::string& verb, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"--reason", "incident 7", "--actor", "anna", "-o", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return handlers(verb, words);
  }
  std::string decisions() { return database_.value("select count(*) from spool.handler_switches"); }
  void publish(int position) {
    expect_code(0, {"publish", "progress.v1", "-k", "7:603"},
                R"({"user_id":7,"media_type":"movie","tmdb_id":603,"duration_s":8160,)"
                R"("updated_at":"2026-01-02T03:04:0)" +
                    std::to_string(position) + R"(Z","position_s":)" + std::to_string(position) +
                    "}");
  }
  // Whether the database answers so, by and by.
  void becomes(const std::string& sql, const std::string& wanted) {
    for (int look = 0; database_.value(sql) != wanted && look < 5000; ++look) {
    }
    EXPECT_EQ(database_.value(sql), wanted) << sql;
  }
};

TEST_F(HandlersCliTest, ADecisionStandsWithNobodyThere) {
  EXPECT_THAT(spool({"handlers", "list", "-o", "jsonl"}).out,
              AllOf(HasSubstr("\"handler\": \"progress_events\""), HasSubstr(topic_),
                    HasSubstr("\"paused\": false"), HasSubstr("\"workers\": 0")));
  const Ended dry = handlers("pause", {"--dry-run", "-o", "json"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("\"before\": \"running\""), HasSubstr("\"after\": \"pause"),
                             HasSubstr("\"for_s\": null")));
  EXPECT_EQ(handlers("resume", {"--dry-run"}).code, 5);
  EXPECT_EQ(decisions(), "0");

  const Ended paused = decide("pause", {"--for", "10m"});
  EXPECT_EQ(paused.code, 0) << paused.err;
  EXPECT_THAT(paused.out,
              AllOf(HasSubstr("\"paused\": true"), HasSubstr("\"until\": \"2"),
                    HasSubstr("\"reason\": \"incident 7\""), HasSubstr("\"version\": 1")));
  EXPECT_THAT(paused.err, HasSubstr("no worker serves it at the moment"));
  EXPECT_EQ(decide("pause").code, 0) << "anew, without an end";
  EXPECT_THAT(handlers("show", {"-o", "json"}).out,
              AllOf(HasSubstr("\"until\": null"), HasSubstr("\"version\": 2")));
  EXPECT_EQ(decide("resume").code, 0);
  EXPECT_EQ(decide("resume").code, 5);
  EXPECT_THAT(spool({"audit", "list", "--action", "handler.*", "-o", "jsonl"}).out,
              AllOf(HasSubstr("handler.pause"), HasSubstr("handler.resume"), HasSubstr("anna")));
}

TEST_F(HandlersCliTest, WhatItDoesByTheClockIsShownWithIt) {
  EXPECT_THAT(handlers("show", {"-o", "json"}).out, HasSubstr("\"duties\": []"));
  database_.execute(
      "insert into spool.duties (handler, duty, last_run_at, done_at, rows, failures, last_error,"
      " owner) values ('progress_events', 'tidy', now(), '2026-01-02 03:04:05Z', 17, 2, 'too slow',"
      " 'host-a/1'), ('other', 'else', null, null, 0, 0, null, null)");
  EXPECT_THAT(
      handlers("show", {"-o", "json"}).out,
      AllOf(HasSubstr("\"duty\": \"tidy\""), HasSubstr("\"done_at\": \"2026-01-02T03:04:05"),
            HasSubstr("\"rows\": 17"), HasSubstr("\"failures\": 2"),
            HasSubstr("\"last_error\": \"too slow\""), Not(HasSubstr("else"))));
  EXPECT_THAT(handlers("show").out, AllOf(HasSubstr("tidy"), HasSubstr("too slow")));
  EXPECT_THAT(decide("pause").out, Not(HasSubstr("tidy")));
}

TEST_F(HandlersCliTest, WrongUseIsRefused) {
  expect_usage({"handlers", "pause", "progress_events"}, "--reason TEXT is needed");
  expect_usage({"handlers", "pause", "progress_events", "--reason", "r", "--for", "soon"}, "--for");
  expect_usage(
      {"handlers", "pause", "progress_events", "--reason", "r", "--wait", "1s", "--no-wait"},
      "not both");
  for (const char* verb : {"pause", "resume", "process-now"})
    expect_code(4, {"handlers", verb, "nobody", "--reason", "r"});
  expect_code(4, {"handlers", "show", "nobody"});
  EXPECT_EQ(decisions(), "0");
}

TEST_F(HandlersCliTest, EverythingThatWaitsIsAskedForAtOnceUnlessItIsPaused) {
  EXPECT_EQ(decide("process-now").code, 4) << "nothing waits";
  database_.execute(
      "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner, start_offset,"
      " next_offset, clean) select 'progress_events', p, '" +
      topic_ +
      "', 1, gen_random_uuid(), 1, 'host-a', 0, 0, true from generate_series(0, 1) p;"
      "insert into spool.open_events (handler, partition, number, order_key, state, due_at, source,"
      " event_id, event_type, record_offset, record_timestamp_ms, key, value, headers, bytes)"
      " select 'progress_events', p, 1, gen_random_uuid(), 'head', now() + interval '1 hour', 's',"
      " 'e' || p, 'progress.v1', 1, 1, 'k', 'v', '', 1 from generate_series(0, 1) p");
  EXPECT_EQ(decide("pause").code, 0);
  const Ended refused = decide("process-now", {"--wait", "0s"});
  EXPECT_EQ(refused.code, 5) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("spool handlers resume progress_events"));
  EXPECT_EQ(decide("resume").code, 0);
  EXPECT_EQ(decide("process-now", {"--wait", "0s"}).code, 0);
  EXPECT_EQ(database_.value("select concat_ws(' ', kind, handler, matched, reason)"
                            " from spool.commands"),
            "retry_now progress_events 2 incident 7");
  EXPECT_EQ(database_.value("select count(*) from spool.command_lanes"), "2");
}

TEST_F(HandlersCliTest, AWorkerAcknowledgesAtOnceAndOneThatIsFrozenIsNamed) {
  // Only what it is told brings it to look.
  environment_["SPOOL__CONSUMER__CHECK_INTERVAL"] = "10m";
  expect_code(0, {"topics", "apply"});
  Running worker({"run"}, environment_);
  publish(1);
  const std::string next = "select sum(next_offset) from spool.lanes";
  becomes(next, "1");
  const Ended paused = decide("pause");
  EXPECT_EQ(paused.code, 0) << paused.err;
  EXPECT_THAT(paused.out, AllOf(HasSubstr("\"workers\": 1"), HasSubstr("\"acknowledged\": 1")));
  EXPECT_THAT(worker.line_with("\"handler.paused\""), HasSubstr("progress_events"));
  publish(2);
  EXPECT_EQ(decide("resume").code, 0);
  becomes(next, "2");

  worker.signal(SIGSTOP);
  const Ended frozen = decide("pause", {"--wait", "300ms"});
  EXPECT_EQ(frozen.code, 3) << frozen.out << frozen.err;
  const std::string owner = database_.value("select max(owner) from spool.lanes");
  EXPECT_THAT(frozen.err, HasSubstr("worker " + owner + " has not acknowledged"));
  EXPECT_THAT(frozen.out, HasSubstr("\"acknowledged\": 0"));
  EXPECT_EQ(decide("pause", {"--no-wait"}).code, 0);
  worker.signal(SIGCONT);
  becomes("select version from spool.handler_acknowledgements", "4");
  EXPECT_THAT(spool({"handlers", "list"}).out, HasSubstr("incident 7"));

  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
  becomes(
      "select count(*) from pg_stat_activity where pid in"
      " (select session from spool.handler_acknowledgements)",
      "0");
  EXPECT_THAT(decide("resume").out, HasSubstr("\"workers\": 0"));
}

}  // namespace
}  // namespace spool::test
