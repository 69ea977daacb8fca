// The program as people and scripts use it, against a real database and a real broker: each command
// once, each wrong use once, and what the exit code says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* kGood =
    R"({"user_id":7,"media_type":"movie","tmdb_id":603,"position_s":600,"duration_s":8160,)"
    R"("updated_at":"2026-01-02T03:04:05Z"})";
constexpr const char* kNobody = "127.0.0.1:1";  // nothing listens there

class CliOnEmptyDatabaseTest : public CliTest {
 protected:
  CliOnEmptyDatabaseTest() : CliTest(PgDatabase::Content::empty) {}
};

TEST_F(CliTest, HelpsEverywhere) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--help"},
                                                {"run", "--help"},
                                                {"publish", "-h"},
                                                {"migrate", "--help"},
                                                {"migrate", "up", "--help"},
                                                {"topics", "apply", "--help"},
                                                {"config", "show", "--help"},
                                                {"progress", "get", "--help"},
                                                {"dlt", "show", "--help"},
                                                {"health", "--help"}}) {
    const Ended ended = spool(words);
    EXPECT_EQ(ended.code, 0);
    EXPECT_THAT(ended.out, HasSubstr("Usage: spool"));
    EXPECT_THAT(ended.err, IsEmpty());
  }
  EXPECT_THAT(spool({"--help"}).out, AllOf(HasSubstr("progress"), HasSubstr("Exit codes")));
}

TEST_F(CliTest, RefusesWrongUse) {
  expect_usage({"rnu"}, "did you mean run?");
  expect_usage({"run", "--onyl", "x"}, "did you mean --only?");
  expect_usage({"run", "--only", "progres_events"}, "did you mean progress_events?");
  expect_usage({"publish"}, "TYPE");
  expect_usage({"publish", "progres.v1", "-f", "-"}, "did you mean progress.v1?");
  expect_usage({"publish", "progress.v1", "-H", "novalue"}, "NAME=VALUE");
  expect_usage({"publish", "progress.v1", "--rate", "0"}, "rate");
  expect_usage({"publish", "progress.v1", "--jsonl", "--id", "x"}, "--id");
  expect_usage({"migrate"}, "spool migrate --help");
  expect_usage({"migrate", "up", "--line", "spol"}, "there is no line");
  expect_usage({"migrate", "up", "--to", "x"}, "to: ");
  expect_usage({"migrate", "down"}, "--line");
  expect_usage({"migrate", "down", "--line", "media"}, "--yes");
  expect_usage({"topics", "aply"}, "did you mean apply?");
  expect_usage({"config", "chek"}, "did you mean check?");
  expect_usage({"config", "check", "--set", "log.levl=info"}, "log.level");
  expect_usage({"progress", "get", "7"}, "MEDIA");
  expect_usage({"progress", "get", "x", "movie:603"}, "USER");
  expect_usage({"progress", "get", "7", "film:603"}, "movie:ID");
  expect_usage({"progress", "continue-watching", "7", "--limit", "0"}, "limit");
  expect_usage({"dlt", "show", "x"}, "uuid");
  expect_usage({"dlt", "list", "--cursor", "x"}, "cursor");
  expect_usage({"dlt", "list", "eror:x"}, "did you mean error?");
  expect_usage({"dlt", "groups", "--by", "release"}, "--by");
  expect_usage({"dlt", "discard", "--reason", "r"}, "say which");
  expect_usage({"dlt", "discard", "state:open", "--reason", "r", "--wait", "x"}, "--wait");
  expect_usage({"dlt", "edit", "x", "--reason", "r"}, "uuid");
  expect_usage({"replay", "start", "state:open"}, "--reason");
  expect_usage({"replay", "start", "--reason", "r"}, "say which");
  expect_usage({"replay", "pause", "x", "--reason", "r"}, "uuid");
  expect_usage({"replay", "foreign", "--topic", "t", "--reason", "r"}, "--to");
  expect_usage({"replay", "foreign", "--topic", "t", "--to", "t"}, "their own topic");
  expect_usage({"retries", "now", "--reason", "r"}, "say which");
  expect_usage({"retries", "now", "h/1/2", "error:x", "--reason", "r"}, "not both");
  expect_usage({"privacy", "erase", "--reason", "r"}, "--user");
  expect_usage({"privacy", "erase", "--user", "7"}, "--reason");
  expect_usage({"privacy", "erase", "--user", "7", "--handler", "progres_events", "--reason", "r"},
               "did you mean progress_events?");
  expect_usage({"audit", "list", "--before", "x"}, "before");
  expect_usage({"health"}, "--url");
  expect_usage({"health", "--live", "--ready", "--url", "http://localhost"}, "not both");
  expect_usage({"version", "-o", "xml"}, "--output");
}

TEST_F(CliTest, TellsWhatItIs) {
  const Ended ended = spool({"version", "-o", "json"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"version\""), HasSubstr("\"revision\""),
                               HasSubstr("\"librdkafka\": \"2."), HasSubstr("\"libpqxx\": \"6.")));
}

TEST_F(CliTest, ShowsAndChecksTheConfiguration) {
  expect_code(0, {"config", "check"});
  const Ended shown = spool({"config", "show", "--origin", "--set", "log.level=warn"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr(topic_ + ".dlt"), HasSubstr("SPOOL__LOG__FORMAT"),
                               HasSubstr("completed_percent = 90"), HasSubstr("level = \"warn\"")));
  const std::string file = testing::TempDir() + topic_ + ".toml";
  std::ofstream(file) << spool({"config", "example"}).out;
  expect_code(0, {"-c", file, "config", "check"});
  std::ofstream(file) << "[log]\nlevl = \"debug\"\n";
  const Ended wrong = spool({"config", "check", "-c", file});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr(file + ":2"), HasSubstr("log.level")));
  EXPECT_THAT(spool({"config", "schema"}).out, HasSubstr("draft-07"));
  std::remove(file.c_str());
}

TEST_F(CliTest, NeverShowsASecret) {
  environment_["SPOOL__DATABASE__URL"] = "postgresql://me:hunter2@127.0.0.1:1/x";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"config", "show", "--origin"},
        {"config", "show", "-o", "json"},
        {"dlt", "list"},
        {"migrate", "status"},
        {"progress", "get", "7", "movie:603"},
        {"config", "check", "--set", "database.url=postgresql//me:hunter2@x/y"}}) {
    const Ended ended = spool(words);
    EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("hunter2")));
    EXPECT_THAT(ended.out + ended.err, Not(IsEmpty()));
  }
}

TEST_F(CliTest, TellsWhatIsUnreachable) {
  environment_["SPOOL__DATABASE__URL"] = std::string("postgresql://me@") + kNobody + "/x";
  environment_["SPOOL__KAFKA__BOOTSTRAP_SERVERS"] = kNobody;
  expect_code(6, {"dlt", "list"});
  expect_code(6, {"migrate", "up"});
  expect_code(6, {"progress", "continue-watching", "7"});
  const Ended published = spool({"publish", "progress.v1"}, kGood);
  EXPECT_EQ(published.code, 6);
  EXPECT_THAT(published.err, HasSubstr(std::string("kafka at ") + kNobody));
  expect_code(6, {"health", "--url", std::string("http://") + kNobody});
}

TEST_F(CliOnEmptyDatabaseTest, MigratesUpAndDown) {
  const Ended refused = spool({"run"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("spool migrate up"));
  EXPECT_THAT(spool({"progress", "get", "7", "movie:603"}).err, HasSubstr("spool migrate up"));
  expect_code(8, {"migrate", "status", "--exit-code"});
  expect_code(8, {"migrate", "up", "--exit-code"});
  EXPECT_THAT(spool({"migrate", "up", "--dry-run", "--show-sql"}).out,
              HasSubstr("create table media.watch_progress"));
  EXPECT_EQ(database_.value("select to_regclass('media.watch_progress')"), "") << "dry run";
  expect_code(0, {"migrate", "up"});
  EXPECT_EQ(database_.value("select to_regclass('media.watch_progress')"), "media.watch_progress");
  EXPECT_THAT(spool({"migrate", "up"}).out, HasSubstr("up to date"));
  expect_code(0, {"migrate", "up", "--exit-code"});
  expect_code(0, {"migrate", "status", "--exit-code"});
  expect_code(0, {"migrate", "validate"});
  EXPECT_THAT(spool({"migrate", "list", "-o", "jsonl"}).out, HasSubstr("\"line\": \"media\""));
  expect_code(0, {"migrate", "down", "--line", "media", "--dry-run"});
  expect_code(0, {"migrate", "down", "--line", "media", "--steps", "99", "--yes"});
  EXPECT_EQ(database_.value("select to_regclass('media.watch_progress')"), "");
  database_.execute("update spool.schema_migrations set checksum = 'x' where line = 'spool'");
  expect_code(5, {"migrate", "validate"});
  expect_code(8, {"migrate", "validate", "--exit-code"});
}

TEST_F(CliTest, MakesTopicsAsTheyShouldBe) {
  const Ended planned = spool({"topics", "plan", "--exit-code"});
  EXPECT_EQ(planned.code, 8);
  EXPECT_THAT(planned.out, HasSubstr(topic_ + ".dlt"));
  expect_code(0, {"topics", "plan"});
  expect_code(1, {"topics", "check"});
  expect_code(0, {"topics", "apply"});
  expect_code(0, {"topics", "check"});
  EXPECT_THAT(spool({"topics", "plan", "-o", "json"}).out, "[]\n");
  const std::string file = testing::TempDir() + topic_ + ".toml";
  std::ofstream(file)
      << "[\"spool.progress-events\"]\npartitions = 9\n\"retention.ms\" = 3600000\n";
  const Ended grown = spool({"topics", "apply", "--manifest", file});
  EXPECT_EQ(grown.code, 5);
  EXPECT_THAT(grown.out, HasSubstr("retention.ms"));
  EXPECT_THAT(grown.err, HasSubstr("8 partitions, not 9"));
  // Brokers learn a moment later what was changed.
  int code = 0;
  for (int look = 0; code != 8 && look < 200; ++look)
    code = spool({"topics", "check", "--exit-code"}).code;
  EXPECT_EQ(code, 8);
  std::ofstream(file) << "[\"t.dlt\"]\npartitions = 9\n";
  expect_code(2, {"topics", "plan", "--manifest", file});
  std::remove(file.c_str());
  expect_code(4, {"topics", "plan", "--manifest", file});
}

TEST_F(CliTest, PublishesAppliesAndBuries) {
  expect_code(4, {"publish", "progress.v1"}, kGood);  // no topic yet
  expect_code(0, {"topics", "apply"});
  const Ended one = spool({"publish", "progress.v1", "--id", "my-1"}, kGood);
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_THAT(one.out, testing::MatchesRegex("my-1 " + topic_ + " [0-7] 0\n"));
  // Behind the good one in its partition: once these are dead, that one is applied.
  const Ended bad = spool({"publish", "progress.v1", "--jsonl", "-k", "7:603", "-o", "json", "-H",
                           "traceparent=00-abc"},
                          "not json {\n\n{\"user_id\":7}\n");
  EXPECT_EQ(std::count(bad.out.begin(), bad.out.end(), '\n'), 2) << bad.out << bad.err;
  EXPECT_THAT(bad.out, HasSubstr("\"topic\": \"" + topic_ + "\""));
  const Ended quiet =
      spool({"publish", "progress.v1", "--quiet", "-H", "ce_type=other.v1"}, "\xff\x01");
  EXPECT_EQ(quiet.code, 0);
  EXPECT_THAT(quiet.out + quiet.err, IsEmpty());

  Running worker({"run"}, environment_);
  const int port = port_of(worker.line_with("admin.listening"));
  ASSERT_NE(port, 0);
  for (int dead = 0; dead < 3; ++dead)
    ASSERT_THAT(worker.line_with("\"event.dead\""), Not(IsEmpty()));
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  expect_code(0, {"health", "--live", "--url", url});
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
  expect_code(6, {"health", "--url", url});

  const Ended got = spool({"progress", "get", "7", "movie:603", "-o", "jsonl"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out,
              AllOf(HasSubstr("\"position_s\": 600"), HasSubstr("\"completed_at\": null")));
  expect_code(4, {"progress", "get", "8", "movie:603"});
  EXPECT_THAT(spool({"progress", "continue-watching", "7"}).out, HasSubstr("movie:603"));
  EXPECT_THAT(spool({"progress", "continue-watching", "8"}).out,
              HasSubstr("nothing to go on with"));

  EXPECT_THAT(spool({"dlt", "list", "--error", "schema.unknown_*"}).out, HasSubstr("DEAD AT"));
  EXPECT_THAT(spool({"dlt", "list", "--handler", "nobody"}).out, HasSubstr("no dead letters"));
  EXPECT_THAT(spool({"dlt", "list", "--limit", "1"}).err, HasSubstr("--cursor"));
  const std::string id =
      database_.value("select id from spool.dead_letters where error_type = 'schema.unknown_type'");
  const Ended shown = spool({"dlt", "show", id, "-o", "json"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("{\"encoding\": \"base64\", \"data\": \"/wE=\"}"),
                               HasSubstr("\"ce_type\""), HasSubstr("other.v1")));
  EXPECT_THAT(spool({"dlt", "show", id}).out, HasSubstr("base64:/wE="));
  expect_code(4, {"dlt", "show", "00000000-0000-4000-8000-000000000000"});
}

TEST_F(CliTest, WaitsForADatabaseThatIsAway) {
  environment_["SPOOL__DATABASE__URL"] = std::string("postgresql://me@") + kNobody + "/x";
  Running worker({"run"}, environment_);
  const int port = port_of(worker.line_with("admin.listening"));
  ASSERT_NE(port, 0);
  ASSERT_THAT(worker.line_with("worker.waits_for_database"), Not(IsEmpty()));
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  expect_code(0, {"health", "--live", "--url", url});
  expect_code(1, {"health", "--ready", "--url", url});
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
}

}  // namespace
}  // namespace spool::test
