// What a batch settles besides the handler's rows: keys that a death goes on holding, the inbox,
// replays that records ask for, the bounds of what a lane holds, and suspects.
#include "engine/delivery/settlement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery {
namespace {

using handler::Idempotence;
using test::kMorning;
using test::LetterState;
using test::Owner;
using test::Sent;
using testing::ElementsAre;
using testing::IsEmpty;

Sent of_key(const std::string& key, const std::string& id, const std::string& data = "fine") {
  return {.id = id, .data = data, .key = key};
}

// The copy of a dead letter as the dead-letter topic has it.
Sent copy_of(Sent sent, const char* life = "0") {
  sent.more = {{"spool-life", life}, {"__dlq.errors.topic", "numbers"}};
  return sent;
}

TEST(HoldTest, a_death_that_holds_its_key_makes_the_key_wait_for_an_operator) {
  Owner owner;
  owner.route.hold_after_death = true;
  const RunDone done =
      owner.apply({of_key("a", "a1", "invalid"), of_key("a", "a2"), of_key("b", "b1")});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("b1"));
  EXPECT_TRUE(owner.held("a")->blocked);
  EXPECT_EQ(owner.held("a")->events, 2);
  EXPECT_EQ(owner.row("a1").state, OpenState::dead);
  EXPECT_EQ(owner.store.tables.letter_of("a1")->held_by, owner.row("a1").number);
  EXPECT_FALSE(owner.next_due()) << "nothing acts by itself";
  EXPECT_EQ(owner.store.tables.counters.open, 1);
  EXPECT_EQ(owner.store.tables.counters.dead, 1);
}

TEST(HoldTest, a_head_or_a_follower_that_dies_stays_where_it_is) {
  for (const char* second : {"fine", "invalid"}) {
    Owner owner;
    owner.route.hold_after_death = true;
    const bool follower = std::string(second) == "invalid";
    owner.apply({{"1", follower ? "fail:1" : "fail:99"}, {"2", second}, {"3"}});
    for (int i = 0; i < 6 && owner.next_due(); ++i) {
      owner.now = *owner.next_due();
      ASSERT_TRUE(owner.drain().outcome);
    }
    const char* dead = follower ? "2" : "1";
    EXPECT_EQ(owner.row(dead).state, OpenState::dead);
    EXPECT_TRUE(owner.held("k")->blocked);
    EXPECT_EQ(owner.held("k")->head, owner.row(dead).number);
    EXPECT_EQ(owner.row("3").state, OpenState::parked);
  }
}

TEST(HoldTest, a_copy_of_what_is_dead_holds_nobody) {
  Owner owner;
  owner.route.hold_after_death = true;
  owner.apply({of_key("a", "1", "invalid")});
  const RunDone done = owner.apply({of_key("b", "1", "invalid"), of_key("b", "2")});
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(done.statistics.duplicate_deaths, 1);
  EXPECT_EQ(done.outcome->advance.delta.duplicate, 1);
  EXPECT_EQ(owner.row("2").state, OpenState::head) << "what waited for it goes on";
  EXPECT_EQ(owner.next_due(), owner.now);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  EXPECT_EQ(owner.held("b"), nullptr);
}

TEST(DuplicateTest, a_copy_of_a_dead_event_is_a_duplicate_and_announced_once) {
  Owner owner;
  const RunDone done = owner.apply({{"1", "invalid"}, {"1", "invalid"}});
  EXPECT_EQ(done.outcome->deaths, 1);
  EXPECT_EQ(done.outcome->advance.delta.duplicate, 1);
  const RunDone again = owner.apply({{"1", "invalid"}});
  EXPECT_EQ(again.outcome->deaths, 0);
  EXPECT_FALSE(again.outcome->outbox_written);
  EXPECT_EQ(owner.store.tables.outbox.size(), 1U);
}

TEST(InboxTest, what_was_settled_is_a_duplicate_within_a_batch_and_later) {
  Owner owner(Idempotence::inbox);
  const RunDone done = owner.apply({of_key("a", "1"), of_key("b", "1"), of_key("a", "2")});
  EXPECT_EQ(done.outcome->advance.delta.duplicate, 1);
  EXPECT_EQ(done.statistics.duplicates, 1);
  owner.apply({of_key("c", "1"), of_key("c", "3"), {.id = "1", .key = "c", .source = "/other"}});
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "3", "1"));
  EXPECT_EQ(owner.store.tables.counters.duplicate, 2);
}

TEST(InboxTest, a_copy_that_overtook_a_failed_event_makes_its_retry_a_duplicate) {
  Owner owner(Idempotence::inbox);
  owner.apply({of_key("a", "1", "fail:1"), of_key("a", "2")});
  owner.apply({of_key("b", "1")});
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
  owner.now = *owner.next_due();
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2"));
  EXPECT_EQ(owner.store.tables.counters.duplicate, 1);
}

TEST(InboxTest, a_copy_parked_behind_the_original_is_found_in_the_same_drain) {
  Owner owner(Idempotence::inbox);
  owner.apply({{"1", "fail:1"}, {"1"}, {"2"}});
  owner.apply({{"1"}});
  owner.now = *owner.next_due();
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2"));
}

TEST(InboxTest, a_failed_attempt_settles_nothing_but_a_death_does) {
  Owner owner(Idempotence::inbox);
  owner.apply({{"1", "fail:1"}, of_key("x", "2", "invalid"), of_key("x", "3", "reject:1")});
  EXPECT_THAT(owner.store.tables.inbox,
              ElementsAre(message::Identity{"/test", "2"}, message::Identity{"/test", "3"}));
  // A copy that waited behind it does not come to life with its replay, nor before it.
  owner.apply({of_key("x", "3")});
  EXPECT_THAT(owner.applied(), IsEmpty());
}

TEST(RequestTest, a_dead_letters_copy_asks_for_the_life_it_names_and_no_other) {
  Owner owner;
  owner.apply({{"1", "reject:1"}, {"2", "reject:1"}});
  const RunDone done = owner.apply({copy_of({"1"}), copy_of({"2"}, "1")});
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(owner.store.tables.counters.duplicate, 2);
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::replaying);
  EXPECT_EQ(owner.store.tables.letter_of("2")->state, LetterState::open);
  EXPECT_EQ(owner.row("1").life, 1);
  EXPECT_EQ(owner.next_due(), owner.now);
  owner.drain();
  ASSERT_THAT(owner.applied(), ElementsAre("1"));
  EXPECT_EQ(owner.store.tables.applied[0].attempt.life, 1);
  EXPECT_EQ(owner.store.tables.applied[0].attempt.number, 1);
  EXPECT_EQ(owner.store.tables.applied[0].data, "reject:1") << "the letter's own payload";
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::resolved);
}

TEST(RequestTest, asking_twice_gives_one_effect) {
  Owner owner;
  owner.apply({{"1", "reject:1"}});
  owner.apply({copy_of({"1"}), copy_of({"1"}), {"2"}});
  owner.drain();
  owner.apply({copy_of({"1"})});
  EXPECT_FALSE(owner.next_due());
  EXPECT_THAT(owner.applied(), ElementsAre("2", "1"));
  EXPECT_EQ(owner.store.tables.counters.duplicate, 3);
}

TEST(RequestTest, a_copy_of_an_unknown_letter_is_an_event_like_any_other) {
  Owner owner;
  ASSERT_TRUE(owner.apply({copy_of({"1"}), {"2"}}).outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2"));
  owner.apply({{"3", "fail:1"}});
  owner.apply({copy_of({"4"})});
  EXPECT_EQ(owner.row("4").state, OpenState::parked) << "in the order of its key too";
}

// It may arrive after its event has died in that very life.
TEST(RequestTest, a_retry_record_asks_for_nothing) {
  Owner owner;
  owner.apply({{"1", "reject:1"}});
  Sent retry{"1", "reject:1"};
  retry.more = {{"spool-life", "0"}};
  owner.apply({retry});
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::open);
  EXPECT_EQ(owner.store.tables.counters.duplicate, 1);
}

TEST(RequestTest, a_letter_that_holds_its_key_is_replayed_in_place) {
  Owner owner;
  owner.route.hold_after_death = true;
  owner.apply({{"1", "reject:1"}, {"2"}});
  const auto number = owner.row("1").number;
  ASSERT_TRUE(owner.apply({copy_of({"1"}), {"3"}}).outcome);
  EXPECT_EQ(owner.row("1").number, number);
  EXPECT_EQ(owner.row("1").state, OpenState::head);
  EXPECT_FALSE(owner.held("k")->blocked);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "3"));
}

TEST(RequestTest, a_life_that_dies_again_is_a_new_death) {
  Owner owner;
  owner.apply({{"1", "reject:2"}});
  owner.apply({copy_of({"1"})});
  EXPECT_EQ(owner.drain().outcome->deaths, 1);
  EXPECT_EQ(owner.store.tables.letter_of("1")->life, 1);
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::open);
  owner.apply({copy_of({"1"})});
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::open) << "life 0 is over";
  owner.apply({copy_of({"1"}, "1")});
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
}

TEST(RoomTest, a_batch_ends_before_the_event_that_does_not_fit) {
  Owner owner;
  owner.limits.room.events = 2;
  const RunDone done = owner.apply({of_key("a", "1", "fail:1"), of_key("a", "2"), of_key("b", "3"),
                                    of_key("a", "4"), of_key("b", "5")});
  ASSERT_TRUE(done.outcome);
  EXPECT_TRUE(done.outcome->no_room);
  EXPECT_EQ(done.outcome->advance.to, 3);
  EXPECT_THAT(owner.applied(), ElementsAre("3"));
  owner.limits.room.events = 0;
  const RunDone none = owner.apply({of_key("a", "4"), of_key("b", "5")});
  ASSERT_TRUE(none.outcome);
  EXPECT_TRUE(none.outcome->no_room);
  EXPECT_EQ(none.outcome->advance.to, 3) << "not a step";
  EXPECT_THAT(owner.applied(), ElementsAre("3"));
  const RunDone other = owner.apply({of_key("b", "4"), of_key("c", "5")});
  EXPECT_FALSE(other.outcome->no_room) << "who need not wait needs no room";
  EXPECT_EQ(other.outcome->advance.to, 5);
}

TEST(RoomTest, a_failure_found_while_applying_must_fit_too) {
  Owner owner;
  owner.limits.room.events = 1;
  const RunDone done =
      owner.apply({of_key("a", "1", "fail:1"), of_key("b", "2"), of_key("c", "3", "fail:1")});
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(done.outcome->advance.to, 2);
  EXPECT_TRUE(done.outcome->no_room);
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
}

TEST(RoomTest, bytes_and_the_events_of_one_key_are_bounded_too) {
  Owner owner;
  owner.limits.room.of_a_key = 2;
  EXPECT_EQ(owner.apply({{"1", "fail:1"}, {"2"}, of_key("x", "3"), {"4"}}).outcome->advance.to, 3);
  EXPECT_TRUE(owner.apply({{"4"}}).outcome->no_room);
  owner.limits.room.of_a_key = 3;
  EXPECT_FALSE(owner.apply({{"4"}}).outcome->no_room);
  owner.limits.room = {};
  owner.limits.room.bytes = owner.row("4").bytes;
  const RunDone done = owner.apply({{"5"}, {"6"}});
  EXPECT_EQ(done.outcome->advance.to, 5);
  EXPECT_TRUE(done.outcome->no_room);
}

TEST(RoomTest, deaths_beyond_what_is_allowed_stay_in_the_log) {
  Owner owner;
  owner.limits.deaths_max = 2;
  const std::vector<Sent> events{{"0", "invalid"},  {"1"}, {"2", "refuse"}, {"3"},
                                 {"4", "reject:9"}, {"5"}};
  const RunDone done = owner.apply(events);
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(done.outcome->deaths, 2);
  EXPECT_EQ(done.outcome->advance.to, 4) << "up to the third";
  EXPECT_FALSE(done.outcome->no_room);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "3"));
}

Suspicion suspects(std::int64_t together, std::int64_t until) {
  Suspicion suspicion;
  suspicion.log_together = together;
  suspicion.log_until = until;
  return suspicion;
}

TEST(SuspectTest, the_mark_is_durable_before_anything_runs_and_goes_with_the_commit) {
  Owner owner;
  owner.limits.suspicion = suspects(2, 2);
  owner.limits.events_max = 2;
  ASSERT_TRUE(owner.apply({{"1"}, {"2"}, {"3"}}).outcome);
  EXPECT_THAT(owner.store.calls, ElementsAre("begin", "fence", "suspect", "commit", "begin",
                                             "fence", "apply", "advance", "suspect", "commit"));
  EXPECT_THAT(owner.store.commits, ElementsAre(Durability::durable, Durability::durable));
  ASSERT_EQ(owner.store.marks.size(), 2U);
  EXPECT_EQ(owner.store.marks[0].trial, (Trial{Origin::log, 0, 2, 2}));
  EXPECT_FALSE(owner.store.marks[1].trial);
  EXPECT_FALSE(owner.store.tables.suspicion.any()) << "all suspects ran";
  EXPECT_EQ(owner.store.tables.next, 2);
}

TEST(SuspectTest, who_ended_the_process_alone_three_times_dies_without_running) {
  Owner owner;
  owner.limits.events_max = 1;
  owner.limits.suspicion = suspects(1, 5);
  owner.limits.suspicion.accused = Trial{Origin::log, 0, 1, 1};
  owner.limits.suspicion.ends = 2;
  Owner condemned;
  condemned.limits = owner.limits;
  condemned.limits.suspicion.ends = 3;
  ASSERT_TRUE(owner.apply({{"1"}}).outcome);
  EXPECT_THAT(owner.seen.staged, ElementsAre("1")) << "one more chance";
  ASSERT_TRUE(condemned.apply({{"1"}, {"2"}}).outcome);
  EXPECT_THAT(condemned.seen.asked, IsEmpty());
  EXPECT_EQ(condemned.store.tables.letter_of("1")->why, message::ErrorType::handler_crash);
  EXPECT_FALSE(condemned.store.tables.suspicion.accused);
  EXPECT_EQ(condemned.store.tables.suspicion.log_together, 1) << "the others are suspect still";
}

TEST(SuspectTest, a_condemned_head_dies_without_running_and_its_followers_go_on) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}});
  owner.now = *owner.next_due();
  owner.seen = {};
  owner.limits.events_max = 1;
  owner.limits.suspicion.open_together = 1;
  owner.limits.suspicion.open_left = 2;
  owner.limits.suspicion.accused = Trial{Origin::open, owner.row("1").number, 0, 1};
  owner.limits.suspicion.ends = 3;
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.seen.asked, IsEmpty());
  EXPECT_EQ(owner.store.tables.letter_of("1")->why, message::ErrorType::handler_crash);
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  EXPECT_FALSE(owner.store.tables.suspicion.any());
}

TEST(SuspectTest, suspects_for_whom_there_is_no_room_leave_no_mark_behind) {
  Owner owner;
  owner.apply({{"1", "fail:1"}});
  owner.limits.suspicion = suspects(1, 0);
  owner.limits.events_max = 1;
  owner.limits.room.events = 0;
  const RunDone done = owner.apply({{"2"}});
  ASSERT_TRUE(done.outcome);
  EXPECT_TRUE(done.outcome->no_room);
  EXPECT_FALSE(owner.store.tables.suspicion.trial) << "it would be blamed for another's end";
  EXPECT_EQ(owner.store.tables.suspicion.log_together, 1) << "it has not run yet";
}

}  // namespace
}  // namespace spool::delivery
