// The story: the database answers, but refuses to write: it has become read-only (a failover took
// it away from us), or it says that its disk is full, that it must not be connected to, that it
// cannot read a file. The lanes wait, nothing is charged, nothing dies, and they go on when it is
// over.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

class ServerRefuses : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 600; ++i)
      events.push_back({.id = "e-" + std::to_string(i),
                        .key = "k" + std::to_string(i % 60),
                        .fail = i % 11 == 0 ? 2 : 0});
    stage.publish({events.begin(), events.begin() + 200});
    worker = &stage.start_worker();
    ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  }

  // Both lanes have tried in vain a few times.
  void expect_waiting(const std::string& sqlstate) {
    stage.publish({events.begin() + 200, events.end()});
    for (const std::string lane : {"drill/0", "drill/1"}) {
      ASSERT_TRUE(stage.wait_until([&] {
        return worker->count({"lane.job_failed", sqlstate, "\"kind\":\"unavailable\"", lane}) >= 3;
      })) << worker->tail();
    }
  }

  void expect_all_well() {
    ASSERT_TRUE(stage.wait_settled()) << stage.logs();
    EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
    History history = stage.history(events);
    history.times_max = 100;  // the handler tells of attempts whose transaction was refused
    for (const std::string& sentence : contradictions(history)) ADD_FAILURE() << sentence;
    stage.expect_conserved();
  }

  DrillStage stage{{.partitions = 2, .worker = {{"SPOOL__CONSUMER__CHECK_INTERVAL", "500ms"}}}};
  std::vector<DrillEvent> events;
  WorkerProcess* worker = nullptr;
};

TEST_F(ServerRefuses, BecauseItIsReadOnly) {
  const std::string alter = "alter database \"" + stage.database().name() + "\" ";
  stage.database().execute(alter + "set default_transaction_read_only = on");
  stage.database().kill_sessions();
  expect_waiting("25006");
  // This session, too, would only read.
  stage.database().execute("begin; set transaction read write; " + alter +
                           "reset default_transaction_read_only; commit");
  stage.database().kill_sessions();
  expect_all_well();
}

class ServerRefusesWith : public ServerRefuses,
                          public ::testing::WithParamInterface<const char*> {};

// A trigger says what a server in that state would say.
TEST_P(ServerRefusesWith, ThisState) {
  const std::string state = GetParam();
  stage.database().execute(
      "create function drill.refuse() returns trigger language plpgsql as $$ begin"
      " raise exception 'as told' using errcode = '" +
      state +
      "'; end $$;"
      "create trigger refuse before insert on drill.effects"
      " for each statement execute function drill.refuse()");
  expect_waiting(state);
  stage.database().execute("drop trigger refuse on drill.effects");
  expect_all_well();
}

INSTANTIATE_TEST_SUITE_P(With, ServerRefusesWith,
                         ::testing::Values("53100", "58030", "28000", "57P03"),
                         [](const auto& state) { return std::string(state.param); });

}  // namespace
}  // namespace spool::test
