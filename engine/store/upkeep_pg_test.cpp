#include <map>

#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::OpenState;
using testing::ElementsAre;

class UpkeepPg : public OpenFixture {
 protected:
  // Sorted, of this test's lane.
  std::string tombstones() const {
    return rows("dead_letter_tombstones", "event_id, state, life", "event_id");
  }
  void age(const std::string& table, const std::string& columns, int days) const {
    const std::string past = "now() - interval '" + std::to_string(days) + " days'";
    database().execute("update spool." + table + " set " + columns + " = " + past + where());
  }
  std::int64_t uncovered() {
    const auto report = store_.audit_ledger();
    EXPECT_TRUE(report.ok()) << report.failure().text;
    return report->uncovered.at(lane_);
  }
};

TEST_F(UpkeepPg, TheInboxHasRoomForTheDaysToComeAndForgetsTheOld) {
  database().execute(
      "create table spool.inbox_20200101 partition of spool.inbox"
      " for values from ('2020-01-01') to ('2020-01-02')");
  database().execute(
      "drop table if exists spool.inbox_keep_is_called; do $$ begin"
      " execute 'drop table spool.inbox_' || to_char((now() at time zone 'UTC')::date"
      " + 2, 'YYYYMMDD'); end $$");
  for (int time = 0; time < 2; ++time) {
    const auto kept = store_.keep_inbox();
    ASSERT_TRUE(kept.ok()) << kept.failure().text;
    EXPECT_EQ(database().value(
                  "select string_agg((d.day - (now() at time zone 'UTC')::date)::text, ' ' order by"
                  " d.day) from pg_inherits i join pg_class c on c.oid = i.inhrelid cross join"
                  " lateral (select to_date(right(c.relname, 8), 'YYYYMMDD') as day) d"
                  " where i.inhparent = 'spool.inbox'::regclass"),
              "0 1 2");
  }
}

TEST_F(UpkeepPg, OldDeadLettersBecomeTombstones) {
  bury({letter("a", 100), letter("b", 101), letter("c", 102), letter("d", 103), letter("e", 104),
        letter("held", 105)});
  delivery::OpenEvent head = event(1, 1, OpenState::dead);
  head.id = "held";
  open({head});
  age("dead_letters", "dead_at", 91);
  database().execute("update spool.dead_letters set state = 'resolved', settled_at = now()" +
                     where() + " and event_id = 'b'");
  database().execute("update spool.dead_letters set state = 'discarded', settled_at = dead_at" +
                     where() + " and event_id = 'c'");
  database().execute("update spool.dead_letters set state = 'replaying'" + where() +
                     " and event_id = 'd'");
  database().execute("update spool.dead_letters set dead_at = now() - interval '89 days'" +
                     where() + " and event_id = 'e'");
  ASSERT_TRUE(store_.prune(1000).ok());
  EXPECT_EQ(letters("event_id"), "b, d, e, held");
  EXPECT_EQ(tombstones(), "a open 0, c discarded 0");
  EXPECT_THAT(bury({letter("a", 106)}), ElementsAre(false)) << "it died before";
}

TEST_F(UpkeepPg, TheBooksBalanceWhenTombstonesAreGoneToo) {
  work([&](auto& open) {
    const auto letters = {letter("a", 100), letter("b", 101)};
    EXPECT_TRUE(open.bury(letters).ok());
    return open.advance({100, 102, 101, 1, {.dead = 2}});
  });
  EXPECT_EQ(uncovered(), 0);
  age("dead_letters", "dead_at", 91);
  ASSERT_TRUE(store_.prune(1000).ok());
  EXPECT_EQ(letters(), "");
  EXPECT_EQ(uncovered(), 0);
  age("dead_letter_tombstones", "removed_at", 401);
  ASSERT_TRUE(store_.prune(1000).ok());
  EXPECT_EQ(tombstones(), "");
  EXPECT_EQ(rows("forgotten_deaths", "events", "events"), "2");
  EXPECT_EQ(uncovered(), 0);
}

TEST_F(UpkeepPg, EndedCommandsAndTheAuditLogAreForgottenInTime) {
  database().execute(
      "delete from spool.commands; delete from spool.audit_log;"
      "insert into spool.commands (id, kind, handler, filter, state, matched, reason, actor,"
      " created_at, finished_at) select gen_random_uuid(), 'replay', 'h', '{}', s, n, '', '',"
      " now() - d * interval '1 day', case when s = 'finished' then now() - d * interval '1 day' "
      "end"
      " from (values ('finished', 1, 366), ('running', 2, 366), ('paused', 3, 366),"
      " ('cancelled', 4, 366), ('finished', 5, 364)) as v (s, n, d);"
      "insert into spool.audit_log (at, actor, action, subject, reason)"
      " select now() - d * interval '1 day', '', '', d::text, ''"
      " from (values (366), (364)) as v (d)");
  ASSERT_TRUE(store_.prune(1000).ok());
  EXPECT_EQ(database().value("select string_agg(matched::text, ' ' order by matched)"
                             " from spool.commands"),
            "2 3 5");
  EXPECT_EQ(database().value("select string_agg(subject, ' ') from spool.audit_log"), "364");
}

TEST_F(UpkeepPg, PruningGoesInPortions) {
  bury({letter("a", 100), letter("b", 101), letter("c", 102)});
  age("dead_letters", "dead_at", 91);
  EXPECT_EQ(*store_.prune(2), 2);
  EXPECT_EQ(*store_.prune(2), 1);
  EXPECT_EQ(*store_.prune(2), 0);
  EXPECT_EQ(letters(), "");
}

TEST_F(UpkeepPg, OpenDeadLettersAreCountedWithTheOldest) {
  database().execute("delete from spool.dead_letters");
  delivery::DeadLetter other = letter("c", 102);
  other.why.type = message::ErrorType::handler_bug;
  bury({letter("a", 100), letter("b", 101), other, letter("d", 103)});
  database().execute("update spool.dead_letters set dead_at = to_timestamp(record_offset)" +
                     where());
  database().execute("update spool.dead_letters set state = 'discarded'" + where() +
                     " and event_id = 'd'");
  std::map<std::string, std::pair<std::int64_t, base::EpochMicros>> counts;
  const auto open = store_.open_dead_letters("h");
  ASSERT_TRUE(open.ok()) << open.failure().text;
  for (const OpenDeadLetters& one : *open) counts[one.error_type] = {one.count, one.oldest};
  const decltype(counts) expected = {{"schema.violation", {2, 100'000'000}},
                                     {"handler.bug", {1, 102'000'000}}};
  EXPECT_EQ(counts, expected);
}

TEST_F(UpkeepPg, TheBacklogIsTheOutboxAndTheReplaysThatHaveNotEnded) {
  database().execute("delete from spool.outbox; delete from spool.commands");
  auto none = store_.backlog();
  ASSERT_TRUE(none.ok()) << none.failure().text;
  EXPECT_FALSE(none->outbox_oldest);
  EXPECT_EQ(none->outbox_waiting + none->outbox_refused, 0);
  bury({letter("a", 100), letter("b", 101), letter("c", 102)});
  database().execute(
      "update spool.outbox set created_at = to_timestamp(7 + number - (select"
      " min(number) from spool.outbox)), error = case when number = (select"
      " min(number) from spool.outbox) then 'too large' end");
  database().execute(
      "insert into spool.commands (id, kind, handler, filter, state, matched, reason, actor)"
      " select gen_random_uuid(), k, 'h', '{}', s, 1, '', '' from (values ('replay', 'running'),"
      " ('replay', 'running'), ('replay', 'paused'), ('replay', 'finished'), ('replay',"
      " 'cancelled'), ('discard', 'running')) as v (k, s)");
  const auto backlog = store_.backlog();
  ASSERT_TRUE(backlog.ok()) << backlog.failure().text;
  EXPECT_EQ(backlog->outbox_waiting, 2);
  EXPECT_EQ(backlog->outbox_oldest, 8'000'000) << "the refused one waits for a person";
  EXPECT_EQ(backlog->outbox_refused, 1);
  EXPECT_EQ(backlog->replays_running, 2);
  EXPECT_EQ(backlog->replays_paused, 1);
}

TEST_F(UpkeepPg, OpenEventsAreCountedByLaneStateAndAttempts) {
  delivery::OpenEvent again = event(4, 3, OpenState::head, 5'000'000);
  again.row.attempts = 2;
  delivery::OpenEvent later = event(5, 4, OpenState::head, 8'000'000);
  later.row.attempts = 2;
  open({event(1, 1, OpenState::head, 7'000'000), event(2, 1, OpenState::parked),
        event(3, 2, OpenState::scheduled, 9'000'000), again, later});
  const auto counts = store_.open_events();
  ASSERT_TRUE(counts.ok()) << counts.failure().text;
  std::vector<std::string> mine;
  for (const OpenEvents& one : *counts) {
    if (one.lane != lane_) continue;
    mine.push_back(one.state + " " + std::to_string(one.attempts) + " " +
                   std::to_string(one.events) + " " + std::to_string(one.bytes) + " " +
                   std::to_string(one.next_due));
  }
  EXPECT_THAT(mine, testing::UnorderedElementsAre("head 0 1 400 7000000", "head 2 2 800 5000000",
                                                  "parked 0 1 400 0", "scheduled 0 1 400 9000000"));
}

}  // namespace
}  // namespace spool::store
