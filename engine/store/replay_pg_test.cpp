#include <algorithm>

#include "engine/delivery/dead_letter.hpp"
#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::DeadLetter;
using delivery::FoundLetter;
using delivery::OpenState;
using delivery::Revival;
using testing::ElementsAre;

class ReplayPg : public OpenFixture {
 protected:
  void close(std::int64_t number) {
    work([&](auto& open) { return open.close({&number, 1}); });
  }
  // Its second life ends, from the open event with this number.
  DeadLetter of_life(std::int32_t life, std::int64_t number) const {
    DeadLetter dead = letter("a", 100);
    dead.life = life;
    dead.attempts = 3;
    dead.open_number = number;
    dead.why = {message::ErrorType::upstream_rejected, "", "no"};
    return dead;
  }
  std::vector<bool> seen(const std::vector<std::string>& ids) {
    std::vector<message::Identity> events;
    for (const std::string& id : ids) events.push_back({source(), id});
    return ask([&](auto& open) { return open.seen(events); });
  }
  void remember(const std::vector<std::string>& ids) {
    std::vector<message::Identity> events;
    for (const std::string& id : ids) events.push_back({source(), id});
    work([&](auto& open) { return open.remember(events); });
  }
};

TEST_F(ReplayPg, ALetterIsFoundWhateverItsState) {
  bury({letter("a", 100), letter("b", 101)});
  const auto found = find("a");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].source, source());
  EXPECT_EQ(found[0].event_id, "a");
  EXPECT_EQ(found[0].key, key(1));
  EXPECT_EQ(found[0].life, 0);
  EXPECT_TRUE(found[0].open);
  EXPECT_EQ(found[0].bytes, 3 + 5 + 300);
  EXPECT_EQ(found[0].held_by, -1);
  for (const std::string state : {"replaying", "resolved", "discarded"}) {
    database().execute("update spool.dead_letters set state = '" + state + "'" + where());
    ASSERT_EQ(find("a").size(), 1U);
    EXPECT_FALSE(find("a")[0].open) << state;
  }
  EXPECT_TRUE(find("c").empty());
}

TEST_F(ReplayPg, AnErasedLetterATombstoneAndAnotherLanesLetterAreFoundAndNotOpen) {
  bury({letter("a", 100)});
  database().execute("update spool.dead_letters set erased = true" + where());
  EXPECT_FALSE(find("a").at(0).open);
  database().execute("insert into spool.dead_letter_tombstones values ('h', '" + source() +
                     "', 'gone', 2, 0, 'resolved', now())");
  const auto gone = find("gone");
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_FALSE(gone[0].open);
  EXPECT_EQ(gone[0].life, 2);

  database().execute("update spool.dead_letters set erased = false" + where());
  const std::string theirs = source();
  lane_ = fresh_lane();
  claim_ = take(store_).claim;
  const delivery::ReplayRequest request[] = {{theirs, "a", 0}};
  const auto found = ask([&](auto& open) { return open.find_letters(request); });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].open) << "its own lane counts it";
}

TEST_F(ReplayPg, SeveralRequestsForOneLetterFindItOnce) {
  bury({letter("a", 100), letter("b", 101)});
  const delivery::ReplayRequest requests[] = {
      {source(), "a", 0}, {source(), "a", 1}, {source(), "b", 0}, {source(), "x", 0}};
  EXPECT_EQ(ask([&](auto& open) { return open.find_letters(requests); }).size(), 2U);
}

TEST_F(ReplayPg, ADeadHeadIsFoundWithTheLetterThatItIs) {
  bury({letter("a", 100)});
  delivery::OpenEvent head = event(5, 1, OpenState::dead);
  head.id = "a";
  delivery::OpenEvent copy = event(6, 1, OpenState::parked);
  copy.id = "a";
  open({head, copy});
  EXPECT_EQ(find("a").at(0).held_by, 5);
  EXPECT_EQ(find("a").at(0).bytes, 400) << "what its row costs, not what another one would";
}

TEST_F(ReplayPg, ARevivedLetterIsAnOpenEventOfItsNextLife) {
  DeadLetter dead = letter("a", 100);
  dead.attempts = 6;
  const message::Header headers[] = {{"ce_id", "a"}};
  dead.record.headers = headers;
  bury({dead, letter("b", 101)});
  const auto a = find("a").at(0);
  const auto b = find("b").at(0);
  const Revival revivals[] = {{a.id, 7, OpenState::head, 9'000'000, false},
                              {b.id, 8, OpenState::parked, 9'000'000, false}};
  work([&](auto& open) { return open.revive(revivals); });
  EXPECT_EQ(letters(), "a replaying 0, b replaying 0");
  EXPECT_EQ(open_rows("number, state, extract(epoch from due_at)::bigint, life, attempts,"
                      " coalesce(first_failed_at::text, '-'), event_id, event_type, record_offset,"
                      " record_timestamp_ms, order_key, bytes, jsonb_array_length(history),"
                      " coalesce(replay_id::text, '-')"),
            "7 head 9 1 0 - a t.v1 100 5100 " + base::to_string(key(1)) + " " +
                std::to_string(a.bytes) + " 1 -, 8 parked 9 1 0 - b t.v1 101 5101 " +
                base::to_string(key(1)) + " " + std::to_string(b.bytes) + " 1 -");
  const auto page = ask([](auto& open) {
    const delivery::HeadRef head[] = {{key(1), 7, 0}};
    return open.read_open(head, 10, 1000);
  });
  EXPECT_EQ(page.records.record(0).value, "value");
  EXPECT_EQ(page.records.record(0).header("ce_id"), "a");
}

// Somebody whom the database has forgotten may have replayed it, and have called.
TEST_F(ReplayPg, WhatDiedBeforeTheDatabaseWasSetBackIsInDoubtWhenItIsReplayed) {
  bury({letter("a", 100), letter("b", 101)});
  database().execute("update spool.lanes set doubt_below = 101, doubt_until = 'epoch'" + where());
  revive("a", 7);
  revive("b", 8);
  EXPECT_EQ(open_rows("number, doubt_until is not null"), "7 t, 8 f");
}

TEST_F(ReplayPg, AHeldLetterIsInDoubtTooInItsPlace) {
  bury({letter("a", 100)});
  delivery::OpenEvent head = event(5, 1, OpenState::dead);
  head.id = "a";
  open({head});
  database().execute("update spool.lanes set doubt_below = 101, doubt_until = 'epoch'" + where());
  const Revival revival[] = {{find("a").at(0).id, 5, OpenState::head, 1, true}};
  work([&](auto& open) { return open.revive(revival); });
  EXPECT_EQ(open_rows("number, state, doubt_until is not null"), "5 head t");
}

TEST_F(ReplayPg, ALetterThatIsNotThereAnyMoreIsAConflict) {
  bury({letter("a", 100)});
  const FoundLetter found = find("a").at(0);
  database().execute("delete from spool.dead_letters" + where());
  const Revival revival[] = {{found.id, 7, OpenState::head, 1, false}};
  const auto status = try_work([&](auto& open) { return open.revive(revival); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, base::FailureKind::conflict);
  EXPECT_EQ(open_rows(), "");
}

TEST_F(ReplayPg, ALaterLifeThatIsClosedWithoutDyingResolvesItsLetter) {
  bury({letter("a", 100), letter("b", 101)});
  revive("a", 7);
  open({event(8, 2, OpenState::head, 1)});
  const std::int64_t numbers[] = {7, 8};
  work([&](auto& open) { return open.close(numbers); });
  EXPECT_EQ(letters("event_id, state, settled_at is null"), "a resolved f, b open t");
}

TEST_F(ReplayPg, ADeathOfALaterLifeOpensTheSameLetterAgain) {
  bury({letter("a", 100)});
  revive("a", 7);
  EXPECT_THAT(bury({of_life(1, 7)}), ElementsAre(true));
  close(7);
  EXPECT_EQ(letters("event_id, state, life, attempts, error_type, error_message, fingerprint,"
                    " settled_at is null"),
            "a open 1 3 upstream.rejected no h upstream.rejected no t");
  EXPECT_EQ(letters("jsonb_array_length(history), history -> 0 ->> 'life', history -> 1 ->> 'life',"
                    " history -> 1 ->> 'attempt'"),
            "2 0 1 3");
  EXPECT_EQ(outbox_topics(), "topic.dlt, topic.dlt");
  EXPECT_EQ(outbox_header(1, "spool-life"), "1");
  EXPECT_EQ(find("a").at(0).life, 1);
  EXPECT_TRUE(find("a").at(0).open);
}

TEST_F(ReplayPg, ALifeDiesOnce) {
  bury({letter("a", 100)});
  EXPECT_THAT(bury({of_life(1, -1)}), ElementsAre(false)) << "it was not replayed";
  revive("a", 7);
  EXPECT_THAT(bury({of_life(2, 7)}), ElementsAre(false)) << "not the life that runs";
  EXPECT_THAT(bury({letter("a", 100)}), ElementsAre(false)) << "a copy of what is replayed";
  EXPECT_THAT(bury({of_life(1, 7)}), ElementsAre(true));
  EXPECT_THAT(bury({of_life(1, 7)}), ElementsAre(false));
  EXPECT_EQ(outbox_topics(), "topic.dlt, topic.dlt");
}

TEST_F(ReplayPg, FirstAndLaterLivesDieTogether) {
  bury({letter("a", 100)});
  revive("a", 7);
  EXPECT_THAT(bury({letter("b", 101), of_life(1, 7), letter("c", 103)}),
              ElementsAre(true, true, true));
  EXPECT_EQ(letters(), "a open 1, b open 0, c open 0");
  EXPECT_EQ(outbox_header(1, "__dlq.errors.offset"), "101");
  EXPECT_EQ(outbox_header(2, "__dlq.errors.offset"), "100");
  EXPECT_EQ(outbox_header(3, "__dlq.errors.offset"), "103");
}

TEST_F(ReplayPg, ADeadHeadIsReplayedInItsPlace) {
  bury({letter("a", 100)});
  delivery::OpenEvent head = event(5, 1, OpenState::dead);
  head.id = "a";
  open({head, event(6, 1, OpenState::parked)});
  database().execute("update spool.dead_letters set value = 'edited'" + where());
  revive("a", 5, true);
  EXPECT_EQ(letters(), "a replaying 0");
  EXPECT_EQ(open_rows("number, state, extract(epoch from due_at)::bigint, life, attempts,"
                      " encode(value, 'escape'), bytes, jsonb_array_length(history)"),
            "5 head 9 1 0 edited 400 1, 6 parked 0 0 value 400 0");
}

TEST_F(ReplayPg, ADeadHeadWithoutItsRowStopsTheLane) {
  bury({letter("a", 100)});
  const Revival revival[] = {{find("a").at(0).id, 5, OpenState::head, 1, true}};
  const auto status = try_work([&](auto& open) { return open.revive(revival); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, base::FailureKind::schema);
}

TEST_F(ReplayPg, TheInboxKnowsWhatWasRememberedOnWhateverDay) {
  EXPECT_THAT(seen({"a", "b"}), ElementsAre(false, false));
  remember({"a", "a"});
  remember({"a"});
  EXPECT_THAT(seen({"b", "a", "c"}), ElementsAre(false, true, false));
  database().execute(
      "insert into spool.inbox values ((now() at time zone 'UTC')::date + 1, 'h', '" + source() +
      "', 'c'), ((now() at time zone 'UTC')::date, 'other', '" + source() + "', 'b')");
  EXPECT_THAT(seen({"b", "a", "c"}), ElementsAre(false, true, true));
}

TEST_F(ReplayPg, WhatIsDeadOrWasIsSeen) {
  bury({letter("a", 100)});
  database().execute("insert into spool.dead_letter_tombstones values ('h', '" + source() +
                     "', 'b', 0, 0, 'discarded', now())");
  EXPECT_THAT(seen({"a", "b", "c"}), ElementsAre(true, true, false));
}

}  // namespace
}  // namespace spool::store
