// Lanes to look at, and the acceptance of a lost position: what is said before, what is asked for,
// and how a worker goes on after it.
#include <signal.h>

#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class LanesCliTest : public CliTest {
 protected:
  LanesCliTest() {
    auto opened = kafka::Cluster::open({variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS"), "t", {}});
    cluster_ = std::move(opened).value();
  }

  void make_topic() {
    const kafka::TopicSpec spec{topic_, 1, 1, {}};
    ASSERT_TRUE(cluster_->create_topics({&spec, 1}, std::chrono::seconds(10)).ok());
    while (!cluster_->partition_count(topic_, std::chrono::seconds(10)).ok()) {
    }
  }
  // As an owner has left it that found its position, 5, beyond the end of the log.
  void make_lane(const std::string& state) {
    database_.execute(
        "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner, "
        "start_offset, next_offset, applied, state, reason, detail, clean) values "
        "('progress_events', 0, '" +
        topic_ + "', 1, gen_random_uuid(), 1, 'host-a', 0, 5, 5, " + state + ", false)");
  }
  static std::string stopped() { return "'stopped', 'position_lost', 'beyond the end'"; }

  Ended accept(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"lanes", "accept-loss", "progress_events", partition_};
    all.insert(all.end(), words.begin(), words.end());
    return spool(all);
  }
  std::string commands(const std::string& columns = "count(*)") {
    return database_.value("select " + columns + " from spool.commands");
  }

  std::unique_ptr<kafka::Cluster> cluster_;
  std::string partition_ = "0";
};

TEST_F(LanesCliTest, ShowsWhereEveryLaneStands) {
  EXPECT_THAT(spool({"lanes", "list"}).out, HasSubstr("no worker has had a lane yet"));
  make_topic();
  make_lane("'running', null, null");
  const Ended listed = spool({"lanes", "list", "-o", "jsonl"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("\"state\": \"running\""), HasSubstr("\"next\": 5"),
                                HasSubstr("\"lag\": 0"), HasSubstr("\"owner\": \"host-a\"")));
  EXPECT_THAT(spool({"lanes", "list", "--handler", "nobody", "-o", "jsonl"}).out, IsEmpty());
  const Ended shown = spool({"lanes", "show", "progress_events", "0", "-o", "json"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("\"applied\": 5"), HasSubstr("\"log_end\": 0"),
                               HasSubstr("\"reason\": null")));
  expect_code(4, {"lanes", "show", "progress_events", "1"});
  expect_code(2, {"lanes", "show", "progress_events", "x"});
}

TEST_F(LanesCliTest, WithoutABrokerOnlyTheLagIsMissing) {
  make_lane(stopped());
  environment_["SPOOL__KAFKA__BOOTSTRAP_SERVERS"] = "127.0.0.1:1";
  const Ended listed = spool({"lanes", "list", "-o", "jsonl"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_THAT(listed.out, AllOf(HasSubstr("\"lag\": null"), HasSubstr("position_lost")));
  EXPECT_THAT(listed.err, HasSubstr("how far the logs go is not known: kafka at 127.0.0.1:1"));
  EXPECT_EQ(accept({"--dry-run"}).code, 6);
}

TEST_F(LanesCliTest, SaysWhatIsLostAndDoesNothing) {
  make_topic();
  make_lane(stopped());
  const Ended dry = accept({"--dry-run", "-o", "json"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("\"from\": 5"), HasSubstr("\"to\": 0"),
                             HasSubstr("\"another_log\": true"), HasSubstr("\"lost\": null")));
  EXPECT_THAT(dry.err, AllOf(HasSubstr("goes on at 0"), HasSubstr("has lost its end only: --to 0"),
                             HasSubstr("nothing was done")));
  EXPECT_THAT(spool({"lanes", "show", "progress_events", "0"}).err,
              HasSubstr("spool lanes accept-loss progress_events 0 --dry-run"));
  EXPECT_EQ(commands(), "0");
}

TEST_F(LanesCliTest, OnlyTheLossThatWasSeenIsAccepted) {
  make_topic();
  make_lane(stopped());
  const auto refused = [&](int code, const std::vector<std::string>& words,
                           const std::string& hint) {
    const Ended ended = accept(words);
    EXPECT_EQ(ended.code, code) << ended.out << ended.err;
    EXPECT_THAT(ended.err, AllOf(StartsWith("spool: "), HasSubstr(hint)));
  };
  refused(2, {}, "--reason TEXT is needed");
  refused(2, {"--reason", "r"}, "say --yes");
  refused(2, {"--reason", "r", "--yes"}, "--yes needs --from and --to");
  refused(5, {"--reason", "r", "--from", "4"}, "the lane's position is 5, not 4");
  refused(5, {"--reason", "r", "--to", "1"}, "the lane cannot go on at 1");
  database_.execute("update spool.lanes set state = 'running', reason = null");
  refused(5, {"--reason", "r", "--from", "5", "--to", "0", "--yes"},
          "lane progress_events/0 has not lost its position: it is running at 5");
  expect_code(4, {"lanes", "accept-loss", "nobody", "0", "--dry-run"});
  EXPECT_EQ(commands(), "0");
}

TEST_F(LanesCliTest, WaitsForAnOwnerAndIsAskedForOnce) {
  make_topic();
  make_lane(stopped());
  const std::vector<std::string> words = {
      "--from", "5", "--to", "0", "--yes", "--reason", "r", "--actor", "anna", "--wait", "100ms"};
  const Ended late = accept(words);
  EXPECT_EQ(late.code, 3) << late.err;
  EXPECT_THAT(late.err, AllOf(HasSubstr("the last owner was host-a"),
                              HasSubstr("spool replay cancel " + commands("id::text"))));
  EXPECT_EQ(accept(words).code, 3);
  EXPECT_EQ(commands(), "1");
  EXPECT_EQ(commands("concat_ws(' ', kind, handler, actor, reason, filter ->> 'from')"),
            "accept_loss progress_events anna r 5");
  EXPECT_THAT(spool({"lanes", "show", "progress_events", "0"}).err,
              HasSubstr("waits for an owner: command " + commands("id::text")));
  EXPECT_THAT(spool({"replay", "list", "--kind", "accept_loss", "-o", "jsonl"}).out,
              HasSubstr(commands("id::text")));
  EXPECT_THAT(spool({"audit", "list", "--action", "accept_loss.*"}).out, HasSubstr("anna"));
  // The owner comes while somebody waits, and finds another loss.
  Running asking({"lanes", "accept-loss", "progress_events", "0", "--from", "5", "--to", "0",
                  "--yes", "--reason", "r"},
                 environment_);
  const std::string looked =
      "select count(*) from pg_stat_activity where datname = current_database()"
      " and application_name = 'spool-cli' and query like '%where cl.command_id = $1%'";
  while (database_.value(looked) == "0") {
  }
  database_.execute(
      "update spool.lanes set next_offset = 6, applied = 6;"
      "update spool.command_lanes set finished = true, skipped = 1;"
      "update spool.commands set state = 'finished', finished_at = now()");
  EXPECT_THAT(asking.line_with("has refused"), HasSubstr("progress_events/0 is stopped at 6"));
  EXPECT_EQ(asking.wait(), 5);
}

TEST_F(LanesCliTest, AWorkerGoesOnAtTheFirstRecordThatIsLeft) {
  expect_code(0, {"topics", "apply"});
  const auto publish = [&](int position) {
    expect_code(0, {"publish", "progress.v1", "-k", "7:603"},
                R"({"user_id":7,"media_type":"movie","tmdb_id":603,"duration_s":8160,)"
                R"("updated_at":"2026-01-02T03:04:0)" +
                    std::to_string(position) + R"(Z","position_s":)" + std::to_string(position) +
                    "}");
  };
  const auto reaches = [&](const std::string& next) {
    const std::string sql = "select max(next_offset) from spool.lanes";
    for (int look = 0; database_.value(sql) != next && look < 5000; ++look) {
    }
    EXPECT_EQ(database_.value(sql), next);
  };
  publish(1);
  {
    Running worker({"run"}, environment_);
    reaches("1");
    partition_ = database_.value("select partition from spool.lanes where next_offset = 1");
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait(), 0);
  }
  for (const int position : {2, 3, 4}) publish(position);
  const auto removed =
      cluster_->delete_records(topic_, std::stoi(partition_), 3, std::chrono::seconds(10));
  ASSERT_TRUE(removed.ok()) << removed.failure().text;
  Running worker({"run"}, environment_);
  ASSERT_THAT(worker.line_with("\"lane.stopped\""), HasSubstr("position_lost"));
  EXPECT_THAT(accept({"--dry-run"}).err,
              HasSubstr("offsets 1 to 2 of lane progress_events/" + partition_ +
                        ", 2 in all, are lost; it goes on at 3"));

  const Ended done =
      accept({"--from", "1", "--to", "3", "--yes", "--reason", "kept too short", "-o", "json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("\"lost\": 2"), HasSubstr("\"done\": true")));
  reaches("4");
  EXPECT_THAT(spool({"progress", "get", "7", "movie:603", "-o", "json"}).out,
              HasSubstr("\"position_s\": 4"));
  const Ended audit = spool({"audit", "ledger", "--exit-code"});
  EXPECT_EQ(audit.code, 0) << audit.out << audit.err;
  EXPECT_THAT(audit.err, HasSubstr("1 losses accepted, 2 offsets counted as lost"));
  EXPECT_THAT(spool({"audit", "list", "-o", "jsonl"}).out,
              AllOf(HasSubstr("accept_loss.finished"), HasSubstr("kept too short")));
  EXPECT_EQ(accept({"--from", "1", "--to", "3", "--yes", "--reason", "again"}).code, 5);
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
}

}  // namespace
}  // namespace spool::test
