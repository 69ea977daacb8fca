#include "engine/store/handler_switches.hpp"

#include <gmock/gmock.h>

#include "engine/store/lane_fixture.hpp"

namespace spool::store {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class HandlerSwitchesPg : public LaneFixture {
 protected:
  void SetUp() override {
    database().execute(
        "truncate spool.handler_switches, spool.handler_acknowledgements, spool.audit_log,"
        " spool.lanes, spool.handler_topics");
  }
  static void lane(int partition, const std::string& owner, const std::string& updated_at) {
    database().execute(
        "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner,"
        " start_offset, next_offset, clean, updated_at) values ('h', " +
        std::to_string(partition) + ", 'topic', 1, gen_random_uuid(), 1, '" + owner +
        "', 0, 0, false, " + updated_at + ")");
  }
  std::int64_t pause(std::optional<milliseconds> duration = std::nullopt) {
    const auto version = pause_handler(*connection_, "h", duration, who_);
    EXPECT_TRUE(version.ok()) << version.failure().text;
    return version ? *version : -1;
  }
  HandlerInfo listed() {
    const auto handlers = list_handlers(*connection_, "h");
    EXPECT_TRUE(handlers.ok()) << handlers.failure().text;
    return handlers->empty() ? HandlerInfo{} : handlers->front();
  }
  // "owner lanes version live", of each.
  std::vector<std::string> workers() {
    const auto found = handler_workers(*connection_, "h");
    EXPECT_TRUE(found.ok()) << found.failure().text;
    std::vector<std::string> texts;
    for (const HandlerWorker& one : *found) {
      texts.push_back(one.owner + " " + std::to_string(one.lanes) + " " +
                      (one.version ? std::to_string(*one.version) : "-") +
                      (one.live ? " live" : ""));
    }
    return texts;
  }
  std::vector<delivery::HandlerSwitch> read(PgStore& store) {
    const auto switches = store.switches();
    EXPECT_TRUE(switches.ok()) << switches.failure().text;
    return *switches;
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
  Operator who_{"anna@host", "because"};
};

TEST_F(HandlerSwitchesPg, ADecisionIsReadByWorkersAndAudited) {
  PgStore store = make_store("w");
  EXPECT_THAT(read(store), IsEmpty());
  EXPECT_EQ(pause(), 1);
  auto seen = read(store);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].paused && !seen[0].until && seen[0].handler == "h" && seen[0].version == 1);
  const auto resumed = resume_handler(*connection_, "h", {"bert", "over"});
  ASSERT_TRUE(resumed.ok()) << resumed.failure().text;
  EXPECT_EQ(*resumed, 2);
  EXPECT_FALSE(read(store).at(0).paused);
  EXPECT_EQ(database().value("select string_agg(concat_ws(' ', actor, action, handler, reason,"
                             " detail ->> 'before', detail ->> 'version'), ', ' order by number)"
                             " from spool.audit_log"),
            "anna@host handler.pause h because running 1, bert handler.resume h over paused 2");
  const HandlerInfo info = listed();
  EXPECT_EQ(info.reason + " " + info.actor, "over bert");
}

TEST_F(HandlerSwitchesPg, APauseEndsByItselfByTheDatabasesClock) {
  pause(milliseconds(3'600'000));
  HandlerInfo info = listed();
  EXPECT_TRUE(info.paused);
  ASSERT_TRUE(info.until);
  PgStore store = make_store("w");
  EXPECT_EQ(read(store).at(0).until, info.until);
  EXPECT_EQ(database().value("select until - changed_at between interval '59 min' and interval '61"
                             " min' from spool.handler_switches"),
            "t");
  database().execute("update spool.handler_switches set until = now() - interval '1 second'");
  EXPECT_FALSE(listed().paused);
  EXPECT_FALSE(listed().until);
  const auto resumed = resume_handler(*connection_, "h", who_);
  ASSERT_FALSE(resumed.ok());
  EXPECT_EQ(resumed.failure().kind, base::FailureKind::conflict);
  EXPECT_EQ(pause(), 2) << "without end, this time";
  EXPECT_FALSE(listed().until);
}

TEST_F(HandlerSwitchesPg, WhoIsWaitedForLivesOrHasLanes) {
  {
    PgStore gone = make_store("gone");
    ASSERT_TRUE(gone.acknowledge({{"h", 7}}).ok());
  }
  PgStore store = make_store("w");
  ASSERT_TRUE(store.acknowledge({{"h", 0}}).ok());
  lane(0, "w", "now()");
  lane(1, "w", "now()");
  lane(2, "recent", "now()");
  lane(3, "dead", "now() - interval '1 minute'");
  // The session of the one that is gone ends when the server notices.
  const std::string ended =
      "select count(*) from pg_stat_activity s join spool.handler_acknowledgements a on a.session ="
      " s.pid where a.owner = 'gone'";
  while (database().value(ended) != "0") {
  }
  EXPECT_THAT(workers(), ElementsAre("recent 1 - live", "w 2 0 live", "dead 1 -", "gone 0 7"));
  HandlerInfo info = listed();
  EXPECT_EQ(info.lanes, 4);
  EXPECT_EQ(info.workers, 2);
  EXPECT_EQ(info.workers_acknowledged, 1) << "there is nothing to act on but it says so";
  pause();
  EXPECT_EQ(listed().workers_acknowledged, 0);
  ASSERT_TRUE(store.acknowledge({{"h", 1}}).ok());
  EXPECT_EQ(listed().workers_acknowledged, 1);
}

TEST_F(HandlerSwitchesPg, WhatWorkersHaveSaidIsForgottenWhenTheyAreGoneForLong) {
  PgStore store = make_store("w");
  ASSERT_TRUE(store.acknowledge({{"h", 1}}).ok());
  ASSERT_TRUE(store.prune(100).ok());
  EXPECT_EQ(database().value("select count(*) from spool.handler_acknowledgements"), "1");
  database().execute(
      "update spool.handler_acknowledgements set seen_at = now() - interval '61 minutes'");
  ASSERT_TRUE(store.prune(100).ok());
  EXPECT_EQ(database().value("select count(*) from spool.handler_acknowledgements"), "0");
}

TEST_F(HandlerSwitchesPg, WhoWaitsForCommandsHearsOfADecision) {
  const auto listener = database().connect();
  ASSERT_TRUE(listener->listen("spool_commands").ok());
  pause();
  const auto heard = listener->wait_notified(-1, std::chrono::seconds(30));
  ASSERT_TRUE(heard.ok()) << heard.failure().text;
  EXPECT_TRUE(*heard);
}

}  // namespace
}  // namespace spool::store
