#include "engine/store/replay_query.hpp"

#include "engine/store/letter_fixture.hpp"
#include "engine/store/operator_commands.hpp"

namespace spool::store {
namespace {

using delivery::CommandKind;

class ReplayQueryPg : public LetterFixture {
 protected:
  base::Uuid give(CommandKind kind, const EventFilter& filter = {}) {
    const auto given = give_commands(*connection_, {kind, filter, 0}, who_);
    EXPECT_TRUE(given.ok() && given->size() == 1);
    return given->front().id;
  }
  std::string lanes(const base::Uuid& id) {
    const auto detail = show_command(*connection_, id);
    EXPECT_TRUE(detail.ok()) << detail.failure().text;
    std::string text;
    for (const CommandLane& one : detail->lanes)
      text += std::to_string(one.partition) + ":" + one.state + " ";
    return text;
  }
};

TEST_F(ReplayQueryPg, APlanSaysWhatWouldBeReplayedAndWhatNotAndWhy) {
  lane("h", 0);
  letter("h", 0, "a");
  letter("h", 0, "b", "error_type = 'db.constraint'");
  letter("h", 0, "c");
  letter("h", 0, "erased", "erased = true, state = 'discarded'");
  letter("h", 0, "replaying", "state = 'replaying'");
  letter("h", 0, "resolved", "state = 'resolved'");
  letter("h", 0, "discarded", "state = 'discarded'");
  letter("h", 1, "nowhere");
  const auto plan = plan_replay(*connection_, {});
  ASSERT_TRUE(plan.ok()) << plan.failure().text;
  std::string text;
  for (const PlanRow& row : *plan)
    text += row.error_type + "/" + std::to_string(row.partition) + " " + row.verdict + ":" +
            std::to_string(row.count) + "\n";
  EXPECT_EQ(text,
            "db.constraint/0 replay:1\n"
            "schema.violation/0 discarded:1\n"
            "schema.violation/0 erased:1\n"
            "schema.violation/0 replay:2\n"
            "schema.violation/0 replaying:1\n"
            "schema.violation/0 resolved:1\n"
            "schema.violation/1 no_lane:1\n");
}

TEST_F(ReplayQueryPg, ACommandShowsItsProgressOverAllLanes) {
  for (int partition : {0, 1}) {
    lane("h", partition);
    letter("h", partition, "p" + std::to_string(partition));
  }
  const base::Uuid id = give(CommandKind::replay, {.error = "schema.*"});
  database().execute(
      "update spool.command_lanes set done = 3, skipped = 1, finished = true"
      " where partition = 1");
  const auto detail = show_command(*connection_, id);
  ASSERT_TRUE(detail.ok()) << detail.failure().text;
  EXPECT_EQ(detail->info.kind, "replay");
  EXPECT_EQ(detail->info.matched, 2);
  EXPECT_EQ(detail->info.done, 3);
  EXPECT_EQ(detail->info.skipped, 1);
  EXPECT_EQ(detail->info.lanes, 2);
  EXPECT_EQ(detail->info.lanes_finished, 1);
  EXPECT_EQ(detail->info.finished_at, std::nullopt);
  EXPECT_EQ(lanes(id), "0:running 1:finished ");
  const auto none = show_command(*connection_, base::Uuid{});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().kind, base::FailureKind::not_found);
}

TEST_F(ReplayQueryPg, ALaneThatNobodyServesWaitsForItsOwner) {
  for (int partition : {0, 1, 2, 3}) {
    lane("h", partition);
    letter("h", partition, "p" + std::to_string(partition));
  }
  const base::Uuid id = give(CommandKind::replay);
  database().execute("update spool.lanes set clean = true where partition = 1");
  database().execute(
      "update spool.lanes set state = 'stopped', reason = 'position_lost' where partition = 2;"
      "update spool.lanes set updated_at = now() - interval '1 hour',"
      " taken_at = now() - interval '1 hour' where partition = 3;"
      "update spool.command_lanes set updated_at = now() - interval '1 minute' where partition = "
      "3");
  EXPECT_EQ(lanes(id), "0:running 1:waiting_for_owner 2:stopped 3:waiting_for_owner ");
  ASSERT_TRUE(change_command(*connection_, id, CommandChange::pause, who_).ok());
  EXPECT_EQ(lanes(id), "0:paused 1:paused 2:paused 3:paused ");
}

TEST_F(ReplayQueryPg, CommandsAreListedNewestFirst) {
  lane("h", 0);
  letter("h", 0, "a");
  letter("h", 0, "b", "state = 'discarded'");
  give(CommandKind::replay);
  give(CommandKind::restore);
  give(CommandKind::discard);
  const auto kinds = [&](CommandListFilter filter) {
    std::string text;
    int pages = 0;
    do {
      const auto page = list_commands(*connection_, filter);
      EXPECT_TRUE(page.ok()) << page.failure().text;
      for (const CommandInfo& one : page->commands) text += one.kind + " ";
      filter.cursor = page->next;
    } while (!filter.cursor.empty() && ++pages < 9);
    return text;
  };
  EXPECT_EQ(kinds({}), "discard restore replay ");
  EXPECT_EQ(kinds({.limit = 1}), "discard restore replay ");
  EXPECT_EQ(kinds({.kind = "replay"}), "replay ");
  EXPECT_EQ(kinds({.state = "paused"}), "");
  EXPECT_EQ(kinds({.handler = "g"}), "");
  const auto page = list_commands(*connection_, {.cursor = "x"});
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.failure().kind, base::FailureKind::invalid);
}

TEST_F(ReplayQueryPg, WhatWaitsIsListedByWhenItIsDue) {
  lane("h", 0);
  open_event("h", 0, 1, "error_type = 'upstream.timeout', error_message = 'slow'");
  open_event("h", 0, 2, "state = 'parked', due_at = null");
  open_event("h", 0, 3, "state = 'parked', due_at = null");
  open_event("h", 0, 4, "state = 'scheduled', due_at = now(), order_key = gen_random_uuid()");
  open_event("h", 0, 5, "state = 'dead', due_at = null");
  const auto events = list_open_events(*connection_, {}, 50);
  ASSERT_TRUE(events.ok()) << events.failure().text;
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].number, 4);
  EXPECT_EQ((*events)[0].parked, 0);
  EXPECT_EQ((*events)[1].number, 1);
  EXPECT_EQ((*events)[1].parked, 2);
  EXPECT_EQ((*events)[1].error_type, "upstream.timeout");
  const auto one = list_open_events(*connection_, {.error = "upstream.*"}, 50);
  EXPECT_EQ(one->size(), 1U);
  EXPECT_EQ(list_open_events(*connection_, {}, 1)->size(), 1U);
}

}  // namespace
}  // namespace spool::store
