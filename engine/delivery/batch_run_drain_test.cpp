// Drains: heads that are due, what waits behind them, and what becomes of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery {
namespace {

using message::ErrorType;
using test::kMorning;
using test::kSecond;
using test::LetterState;
using test::Owner;
using test::Sent;
using testing::ElementsAre;
using testing::IsEmpty;

Sent of_key(const std::string& key, const std::string& id, const std::string& data = "fine") {
  return {.id = id, .data = data, .key = key};
}

TEST(DrainTest, a_head_that_goes_well_takes_everything_behind_it_along_in_order) {
  Owner owner;
  owner.apply(
      {of_key("a", "a1", "fail:1"), of_key("a", "a2"), of_key("b", "b1"), of_key("a", "a3")});
  owner.now += 29 * kSecond;
  EXPECT_EQ(owner.next_due(), kMorning + 30 * kSecond);
  owner.now += kSecond;
  const RunDone done = owner.drain();
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("b1", "a1", "a2", "a3"));
  EXPECT_EQ(owner.held("a"), nullptr);
  EXPECT_TRUE(owner.store.tables.rows.empty());
  EXPECT_EQ(done.outcome->survived, 3);
  EXPECT_EQ(done.outcome->advance.from, done.outcome->advance.to);
  EXPECT_EQ(done.statistics.records, 3);
  EXPECT_THAT(done.statistics.lateness, ElementsAre(0)) << "of the head alone";
}

TEST(DrainTest, the_attempt_and_the_life_reach_the_handler) {
  Owner owner;
  owner.apply({{"1", "fail:2"}});
  owner.now = *owner.next_due();
  owner.drain();
  EXPECT_EQ(owner.row("1").attempts, 2);
  EXPECT_EQ(owner.row("1").due, owner.now + 60 * kSecond);
  EXPECT_EQ(owner.row("1").first_failed_at, kMorning);
  owner.now = *owner.next_due();
  owner.drain();
  ASSERT_EQ(owner.store.tables.applied.size(), 1U);
  EXPECT_EQ(owner.store.tables.applied[0].attempt.number, 3);
  EXPECT_EQ(owner.store.tables.applied[0].attempt.life, 0);
  EXPECT_EQ(owner.store.tables.applied[0].attempt.now, owner.now);
}

TEST(DrainTest, a_head_that_fails_again_keeps_its_row_and_its_followers) {
  Owner owner;
  owner.apply({{"1", "fail:2"}, {"2"}});
  const std::int64_t number = owner.row("1").number;
  owner.now = *owner.next_due();
  owner.seen = {};
  const RunDone done = owner.drain();
  EXPECT_EQ(owner.row("1").number, number);
  EXPECT_EQ(owner.row("2").state, OpenState::parked);
  EXPECT_THAT(owner.applied(), IsEmpty());
  EXPECT_TRUE(done.outcome->outbox_written);
  EXPECT_EQ(owner.store.tables.outbox.rbegin()->second.rung, std::optional<std::size_t>(1));
  EXPECT_EQ(owner.store.tables.outbox.rbegin()->second.attempts, 2);
}

TEST(DrainTest, a_follower_that_fails_becomes_the_head) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}, {"3", "fail:1"}, {"4"}});
  owner.now = *owner.next_due();
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2"));
  ASSERT_NE(owner.held("k"), nullptr);
  EXPECT_EQ(owner.held("k")->head, owner.row("3").number);
  EXPECT_EQ(owner.held("k")->events, 2);
  EXPECT_EQ(owner.held("k")->due, owner.now + 30 * kSecond);
  EXPECT_EQ(owner.row("3").attempts, 1);
  EXPECT_EQ(owner.row("3").first_failed_at, owner.now) << "its first failure, not its head's";
}

TEST(DrainTest, a_head_that_finishes_before_all_its_followers_are_read_promotes_the_next) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}, {"3"}, {"4"}, {"5"}});
  owner.now = *owner.next_due();
  owner.limits.events_max = 3;
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(owner.row("4").state, OpenState::head);
  EXPECT_EQ(owner.next_due(), owner.now) << "nobody has to wait for it";
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(owner.held("k"), nullptr);
}

TEST(DrainTest, the_last_attempt_dies_and_lets_the_key_go_on) {
  Owner owner;
  owner.apply({{"1", "fail:99"}, {"2"}});
  int attempts = 1;
  while (owner.store.tables.letters.empty()) {
    ASSERT_LT(attempts++, 10);
    owner.now = *owner.next_due();
    ASSERT_TRUE(owner.drain().outcome);
  }
  EXPECT_EQ(attempts, 6) << "five delays, six attempts";
  const auto* letter = owner.store.tables.letter_of("1");
  EXPECT_EQ(letter->attempts, 6);
  EXPECT_EQ(letter->life, 0);
  EXPECT_EQ(letter->why, ErrorType::upstream_server_error);
  EXPECT_EQ(letter->first_failed_at, kMorning);
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  EXPECT_EQ(owner.held("k"), nullptr);
}

TEST(DrainTest, waiting_that_is_nobodys_fault_consumes_no_attempt) {
  Owner owner;
  owner.apply({{"1", "login:36000"}});
  for (int i = 0; i < 20; ++i) {
    owner.now = *owner.next_due();
    ASSERT_TRUE(owner.drain().outcome);
    EXPECT_EQ(owner.row("1").attempts, 0);
  }
  owner.now = kMorning + 36'000 * kSecond;
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
  EXPECT_EQ(owner.store.tables.applied[0].attempt.number, 1);
}

TEST(DrainTest, keys_fail_alone) {
  Owner owner;
  owner.apply({of_key("a", "a1", "fail:1"), of_key("b", "b1", "fail:2"),
               of_key("c", "c1", "fail:1"), of_key("a", "a2", "refuse"), of_key("b", "b2"),
               of_key("c", "c2", "invalid"), of_key("a", "a3"), of_key("c", "c3")});
  owner.now = *owner.next_due();
  const RunDone done = owner.drain();
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), testing::UnorderedElementsAre("a1", "a3", "c1", "c3"));
  EXPECT_EQ(owner.store.tables.letters.size(), 2U);
  EXPECT_EQ(owner.held("a"), nullptr);
  EXPECT_EQ(owner.held("c"), nullptr);
  EXPECT_EQ(owner.held("b")->events, 2);
  EXPECT_EQ(done.outcome->deaths, 2);
}

TEST(DrainTest, with_one_event_at_a_time_only_a_head_runs) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}});
  owner.now = *owner.next_due();
  owner.limits.events_max = 1;
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
}

TEST(DrainTest, deaths_beyond_what_is_allowed_wait_for_the_next_job) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2", "invalid"}, {"3", "invalid"}, {"4"}, {"5", "invalid"}});
  owner.now = *owner.next_due();
  owner.limits.deaths_max = 2;
  EXPECT_EQ(owner.drain().outcome->deaths, 2);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "4"));
  EXPECT_EQ(owner.row("5").state, OpenState::head) << "it goes on with the next drain";
  EXPECT_EQ(owner.next_due(), owner.now);
}

TEST(DrainTest, an_event_behind_a_held_key_that_is_not_due_yet_waits_for_its_time_instead) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2", "due:600"}, {"3"}});
  EXPECT_EQ(owner.row("2").state, OpenState::parked);
  owner.now = *owner.next_due();
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "3")) << "it holds nobody";
  EXPECT_EQ(owner.held("k"), nullptr);
  EXPECT_EQ(owner.row("2").state, OpenState::scheduled);
  EXPECT_EQ(owner.row("2").due, kMorning + 600 * kSecond);
  EXPECT_EQ(owner.next_scheduled, kMorning + 600 * kSecond);
  owner.now = kMorning + 600 * kSecond;
  ASSERT_TRUE(owner.awaken());
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "3", "2"));
}

TEST(DrainTest, the_database_refusing_a_follower_costs_that_follower_only) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}, {"3", "refuse"}, {"4"}, {"5", "throw"}, {"6"}});
  owner.now = *owner.next_due();
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "4", "6"));
  EXPECT_EQ(owner.store.tables.letters.size(), 2U);
}

TEST(DrainTest, a_drain_that_fails_changes_nothing_and_can_be_repeated) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2", "refuse"}, {"3"}});
  owner.now = *owner.next_due();
  owner.store.calls.clear();
  Owner rehearsal;
  rehearsal.apply({{"1", "fail:1"}, {"2", "refuse"}, {"3"}});
  rehearsal.now = owner.now;
  rehearsal.store.calls.clear();
  rehearsal.drain();
  const auto calls = static_cast<int>(rehearsal.store.calls.size());
  ASSERT_GE(calls, 7);
  for (int call = 0; call < calls; ++call) {
    Owner fresh;
    fresh.apply({{"1", "fail:1"}, {"2", "refuse"}, {"3"}});
    fresh.now = owner.now;
    fresh.store.calls.clear();
    fresh.store.fail_at = call;
    EXPECT_FALSE(fresh.drain().outcome) << call;
    EXPECT_THAT(fresh.applied(), IsEmpty());
    fresh.store.fail_at = -1;
    EXPECT_TRUE(fresh.drain().outcome);
    EXPECT_THAT(fresh.applied(), ElementsAre("1", "3"));
  }
}

TEST(DrainTest, a_slow_follower_is_not_blamed_but_a_slow_head_alone_is) {
  Owner owner;
  owner.apply({{"1", "fail:1"}});
  owner.apply({{"2", "slow"}});
  owner.now = *owner.next_due();
  owner.limits.blame_slow = true;
  EXPECT_EQ(owner.drain().outcome.failure().kind, base::FailureKind::slow);
  owner.limits.events_max = 1;
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
  ASSERT_TRUE(owner.drain().outcome);
  EXPECT_EQ(owner.row("2").attempts, 1);
  EXPECT_EQ(owner.row("2").due, owner.now + 30 * kSecond);
}

}  // namespace
}  // namespace spool::delivery
