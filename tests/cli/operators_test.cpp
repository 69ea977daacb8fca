// What operators do, as far as it goes without a worker: rows stand in the database as one would
// have left them, and commands wait for their owner.
#include <signal.h>

#include <algorithm>

#include "engine/message/header_block.hpp"
#include "engine/postgres/array_text.hpp"
#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class OperatorsCliTest : public CliTest {
 protected:
  OperatorsCliTest() {
    database_.execute(
        "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner, "
        "start_offset,"
        " next_offset, clean) values ('progress_events', 0, '" +
        topic_ + "', 1, gen_random_uuid(), 1, 'host-a', 0, 0, true)");
  }

  // An event in binary mode; its event_id is `name`. The id comes back.
  std::string letter(const std::string& name, const std::string& set = "state = 'open'") {
    database_.execute(
        "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
        " record_offset, record_timestamp_ms, key, value, headers, error_type, error_field,"
        " error_message, fingerprint, attempts, first_seen, order_key) values ('progress_events',"
        " 's', '" +
        name +
        "', 'progress.v1', 'topic', 0, 1, 1000, '7:603', '{\"user_id\": 7, \"media_type\": "
        "\"movie\"}', '" +
        headers(name) +
        "', 'schema.violation', 'f', 'is wrong', 'one cause', 1, now(), gen_random_uuid())");
    database_.execute("update spool.dead_letters set " + set + " where event_id = '" + name + "'");
    return database_.value("select id from spool.dead_letters where event_id = '" + name + "'");
  }
  static std::string headers(const std::string& id);

  std::string command(const std::string& columns) {
    return database_.value("select concat_ws(' ', " + columns +
                           ") from spool.commands order by created_at desc limit 1");
  }
};

// ce_id, ce_source, ce_type, ce_specversion, packed.
std::string OperatorsCliTest::headers(const std::string& id) {
  const message::OwnedHeaders list = {
      {"ce_id", id}, {"ce_source", "s"}, {"ce_type", "progress.v1"}, {"ce_specversion", "1.0"}};
  std::string hex;
  postgres::append_bytea_hex(hex, message::pack_headers(list));
  return hex;
}

TEST_F(OperatorsCliTest, LooksAtDeadLettersInEveryWay) {
  const std::string a = letter("a");
  letter("b", "error_type = 'db.constraint', fingerprint = 'other', state = 'resolved'");
  letter("c", "dead_at = now() - interval '2 hours', note = 'mine'");
  const auto listed = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"dlt", "list", "-o", "jsonl"};
    all.insert(all.end(), words.begin(), words.end());
    const Ended ended = spool(all);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return std::count(ended.out.begin(), ended.out.end(), '\n');
  };
  EXPECT_EQ(listed({}), 3);
  EXPECT_EQ(listed({"--error", "db.*"}), 1);
  EXPECT_EQ(listed({"--state", "open"}), 2);
  EXPECT_EQ(listed({"--key", "7:603"}), 3);
  EXPECT_EQ(listed({"--fingerprint", "other"}), 1);
  EXPECT_EQ(listed({"--older-than", "1h"}), 1);
  EXPECT_EQ(listed({"--filter", "error:schema.* age:>1h key:\"7:603\""}), 1);
  EXPECT_EQ(listed({a, "state:open"}), 1);
  EXPECT_THAT(spool({"dlt", "list", "error:nothing"}).out, HasSubstr("no dead letters"));
  const Ended groups = spool({"dlt", "groups", "-o", "json"});
  EXPECT_THAT(groups.out, AllOf(HasSubstr("\"count\": 2"), HasSubstr("\"group\": \"one cause\""),
                                Not(HasSubstr("db.constraint"))));
  EXPECT_THAT(spool({"dlt", "groups", "--by", "error", "--state", "resolved"}).out,
              HasSubstr("db.constraint"));
  EXPECT_THAT(spool({"dlt", "show", a}).out,
              AllOf(HasSubstr("attempts that failed"), HasSubstr("ce_source: s")));
}

TEST_F(OperatorsCliTest, ExportsWhatOthersRead) {
  letter("a");
  letter("b", "value = '\\xff01', key = null");
  const Ended lines = spool({"dlt", "export"});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 2) << lines.err;
  EXPECT_THAT(lines.out, HasSubstr("{\"encoding\": \"base64\", \"data\": \"/wE=\"}"));
  EXPECT_THAT(spool({"dlt", "export", "--format", "kcat"}).out,
              AllOf(HasSubstr("\"topic\": \"topic\", \"partition\": 0, \"offset\": 1"),
                    HasSubstr("\"key\": null, \"payload_base64\": \"/wE=\"}")));
  const Ended csv = spool({"dlt", "export", "--format", "csv", "state:open"});
  EXPECT_THAT(csv.out, testing::StartsWith("id,state,"));
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 3);
}

TEST_F(OperatorsCliTest, EditsAndNotesDeadLetters) {
  const std::string id = letter("a");
  const Ended dry =
      spool({"dlt", "edit", id, "--field", "user_id=8", "--field", "tmdb_id=603", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_EQ(dry.out, "{\"tmdb_id\": 603, \"user_id\": 8, \"media_type\": \"movie\"}\n");
  EXPECT_EQ(database_.value("select edited from spool.dead_letters"), "f");
  expect_code(2, {"dlt", "edit", id, "--field", "user_id=8"});
  expect_code(0, {"dlt", "edit", id, "--field", "user_id=8", "--reason", "typo"});
  expect_code(0, {"dlt", "edit", id, "-f", "-", "--reason", "whole"}, "{\"user_id\": 9}");
  EXPECT_EQ(database_.value("select convert_from(value, 'UTF8') from spool.dead_letters"),
            "{\"user_id\": 9}");
  EXPECT_EQ(database_.value("select count(*) from spool.audit_log where action ="
                            " 'dead_letter.edit' and reason in ('typo', 'whole')"),
            "2");
  expect_code(2, {"dlt", "edit", id, "--field", "user_id=x", "--reason", "r"});
  expect_code(4, {"dlt", "edit", "00000000-0000-4000-8000-000000000000", "--field", "a=1",
                  "--reason", "r"});
  expect_code(0, {"dlt", "note", id, "waits for 7", "--reason", "triage"});
  EXPECT_THAT(spool({"dlt", "list"}).out, HasSubstr("waits for 7"));
  database_.execute("update spool.dead_letters set state = 'replaying'");
  expect_code(5, {"dlt", "edit", id, "--field", "user_id=8", "--reason", "late"});
}

TEST_F(OperatorsCliTest, PlansAReplayAndWritesNothing) {
  letter("a");
  letter("b", "state = 'resolved'");
  letter("c", "erased = true, state = 'discarded'");
  const Ended plan = spool({"replay", "plan", "-o", "jsonl"});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("\"verdict\": \"replay\", \"because\": null"),
                    HasSubstr("\"because\": \"resolved\""), HasSubstr("\"because\": \"erased\"")));
  EXPECT_THAT(plan.err, HasSubstr("1 would be replayed, 2 skipped"));
  expect_code(0, {"replay", "start", "state:open", "--dry-run"});
  expect_code(4, {"replay", "plan", "error:nothing"});
  EXPECT_EQ(database_.value("select count(*) from spool.commands"), "0");
}

TEST_F(OperatorsCliTest, AReplayStandsInTheDatabaseUntilItsOwnerComes) {
  const std::string a = letter("a");
  const std::string done = letter("b", "state = 'resolved'");
  expect_code(4, {"replay", "start", "error:nothing", "--reason", "r"});
  const Ended refused = spool({"replay", "start", done, "--reason", "r"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("1 resolved"));
  const Ended partly =
      spool({"replay", "start", a, done, "--rate", "7", "--reason", "bug 7", "--actor", "anna"});
  EXPECT_EQ(partly.code, 3) << "one of the ids cannot be replayed";
  EXPECT_EQ(command("kind, state, rate, matched, reason, actor"), "replay running 7 1 bug 7 anna");
  const std::string id = command("id");
  EXPECT_THAT(partly.out, HasSubstr(id));

  const Ended shown = spool({"replay", "show", id});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("waiting_for_owner"));
  EXPECT_THAT(shown.err, HasSubstr("progress_events/0 waits for an owner"));
  EXPECT_THAT(spool({"replay", "list", "-o", "json"}).out, HasSubstr(id));
  expect_code(0, {"replay", "pause", id, "--reason", "r"});
  EXPECT_EQ(command("state"), "paused");
  expect_code(5, {"replay", "pause", id, "--reason", "r"});
  expect_code(0, {"replay", "set-rate", id, "9", "--reason", "r"});
  expect_code(0, {"replay", "resume", id, "--reason", "r", "--dry-run"});
  EXPECT_EQ(command("state, rate"), "paused 9");
  expect_code(0, {"replay", "resume", id, "--reason", "r"});
  expect_code(0, {"replay", "cancel", id, "--reason", "r"});
  EXPECT_EQ(command("state"), "cancelled");
  expect_code(3, {"replay", "watch", id});
  expect_code(4, {"replay", "show", "00000000-0000-4000-8000-000000000000"});
  const Ended audit = spool({"audit", "list", "--action", "replay.*", "-o", "jsonl"});
  EXPECT_EQ(std::count(audit.out.begin(), audit.out.end(), '\n'), 5) << audit.out << audit.err;
}

TEST_F(OperatorsCliTest, CtrlCEndsTheWatchingAndNotTheReplay) {
  letter("a");
  Running watching({"replay", "start", "state:open", "--reason", "r", "--watch"}, environment_);
  // It stands in the database before anybody waits for it, and SIGINT is noticed from then on.
  const std::string looked =
      "select count(*) from pg_stat_activity where datname = current_database()"
      " and application_name = 'spool-cli' and query like '%command_lanes cl%'";
  while (database_.value(looked) == "0") {
  }
  watching.signal(SIGINT);
  EXPECT_THAT(watching.line_with("it goes on without you"), HasSubstr("spool replay watch"));
  EXPECT_EQ(watching.wait(), 130);
  EXPECT_EQ(command("state"), "running");
}

TEST_F(OperatorsCliTest, SaysThatNoOwnerHasCarriedItOut) {
  const std::string id = letter("a");
  expect_code(2, {"dlt", "discard", id, "--reason", "r"});  // nobody to ask
  EXPECT_EQ(database_.value("select count(*) from spool.commands"), "0");
  const Ended late = spool({"dlt", "discard", id, "--reason", "r", "--yes", "--wait", "100ms"});
  EXPECT_EQ(late.code, 3) << late.err;
  EXPECT_THAT(late.err, AllOf(HasSubstr("waits for an owner (the last one was host-a)"),
                              HasSubstr("0 of 1 done"), HasSubstr("spool replay cancel")));
  expect_code(0, {"dlt", "discard", id, "--reason", "r", "--yes", "--wait", "0s"});
  expect_code(5, {"dlt", "restore", id, "--reason", "r"});
  EXPECT_EQ(command("kind, matched"), "discard 1");
  // The owner comes.
  database_.execute(
      "update spool.command_lanes set finished = true, done = 1;"
      "update spool.commands set state = 'finished', finished_at = now()");
  const Ended finished = spool({"replay", "watch", command("id"), "-o", "json"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_THAT(finished.out, HasSubstr("\"state\": \"finished\""));
}

TEST_F(OperatorsCliTest, AWorkerCarriesOutWhatIsAsked) {
  database_.execute("delete from spool.lanes");
  expect_code(0, {"topics", "apply"});
  const std::string bad =
      R"({"user_id":7,"media_type":"movie","tmdb_id":603,"position_s":-1,"duration_s":8160,)"
      R"("updated_at":"2026-01-02T03:04:05Z"})";
  expect_code(0, {"publish", "progress.v1", "-k", "7:603"}, bad);
  Running worker({"run"}, environment_);
  ASSERT_THAT(worker.line_with("\"event.dead\""), Not(IsEmpty()));
  const std::string id = database_.value("select id from spool.dead_letters");
  const auto state = [&] { return database_.value("select state from spool.dead_letters"); };

  expect_code(0, {"dlt", "discard", id, "--reason", "r", "--yes"});
  EXPECT_EQ(state(), "discarded");
  expect_code(0, {"dlt", "restore", id, "--reason", "r"});
  EXPECT_EQ(state(), "open");
  expect_code(0, {"dlt", "edit", id, "--field", "position_s=600", "--reason", "mended"});
  const Ended replayed =
      spool({"replay", "start", id, "--reason", "mended", "--watch", "-o", "jsonl"});
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_THAT(replayed.out, AllOf(HasSubstr("\"state\": \"finished\""), HasSubstr("\"done\": 1")));
  for (int look = 0; state() != "resolved" && look < 1000; ++look) {
  }
  EXPECT_EQ(state(), "resolved");
  EXPECT_THAT(spool({"progress", "get", "7", "movie:603", "-o", "json"}).out,
              HasSubstr("\"position_s\": 600"));
  expect_code(5, {"replay", "start", id, "--reason", "again"});
  expect_code(0, {"audit", "ledger", "--exit-code"});
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
}

TEST_F(OperatorsCliTest, ActsOnWhatWaits) {
  const auto open = [&](int number, const std::string& state, const std::string& due) {
    database_.execute(
        "insert into spool.open_events (handler, partition, number, order_key, state, due_at,"
        " source, event_id, event_type, record_offset, record_timestamp_ms, headers, bytes,"
        " error_type) values ('progress_events', 0, " +
        std::to_string(number) + ", md5('k')::uuid, '" + state + "', " + due + ", 's', 'o" +
        std::to_string(number) + "', 'progress.v1', 5, 1000, '', 10, 'upstream.timeout')");
  };
  EXPECT_THAT(spool({"retries", "list"}).out, HasSubstr("nothing waits"));
  open(1, "head", "now() + interval '1 hour'");
  open(2, "parked", "null");
  const Ended listed = spool({"retries", "list", "-o", "jsonl"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("\"id\": \"progress_events/0/1\""),
                                HasSubstr("\"parked_behind\": 1"), Not(HasSubstr("/2\""))));
  expect_code(0, {"retries", "now", "progress_events/0/1", "--reason", "r", "--wait", "0s"});
  EXPECT_EQ(command("kind, matched, filter ->> 'partition', filter -> 'numbers'"),
            "retry_now 1 0 [1]");
  expect_code(0,
              {"retries", "cancel", "error:upstream.*", "--reason", "r", "--yes", "--wait", "0s"});
  EXPECT_EQ(command("kind, matched"), "cancel 2");
  expect_code(4, {"retries", "now", "progress_events/0/7", "--reason", "r"});
  expect_code(4, {"retries", "now", "error:db.*", "--reason", "r"});
}

TEST_F(OperatorsCliTest, TheBooksAreComparedWithTheLog) {
  const auto cluster = kafka::Cluster::open({variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS"), "t", {}});
  const kafka::TopicSpec spec{topic_, 1, 1, {}};
  ASSERT_TRUE((*cluster)->create_topics({&spec, 1}, std::chrono::seconds(10)).ok());
  while (!(*cluster)->partition_count(topic_, std::chrono::seconds(10)).ok()) {
  }
  const Ended good = spool({"audit", "ledger", "--exit-code"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("the books balance"));
  database_.execute("update spool.lanes set next_offset = 5, applied = 5");
  const Ended beyond = spool({"audit", "ledger", "-o", "jsonl"});
  EXPECT_EQ(beyond.code, 0);
  EXPECT_THAT(beyond.out, HasSubstr("\"what\": \"beyond_log\", \"from\": 0, \"to\": 5"));
  expect_code(8, {"audit", "ledger", "--exit-code"});
  expect_code(0, {"audit", "ledger", "--exit-code", "--handler", "nobody"});
  letter("a");
  EXPECT_THAT(spool({"audit", "ledger", "-o", "jsonl"}).out, HasSubstr("\"what\": \"dead\""));
}

}  // namespace
}  // namespace spool::test
