// Jobs that run no handler: scheduled events wake up, retry topics are settled, commands are
// carried out.
#include "engine/delivery/open_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery {
namespace {

using base::FailureKind;
using test::kMorning;
using test::kSecond;
using test::LetterState;
using test::Owner;
using testing::ElementsAre;
using testing::IsEmpty;

// Every row, as a command may be about it.
void aim_at_rows(Owner& owner) {
  owner.store.targets = {};
  owner.store.targets.live = true;
  for (const auto& [number, kept] : owner.store.tables.rows)
    owner.store.targets.rows.push_back(kept.row);
}

void aim_at_letters(Owner& owner, const std::vector<std::string>& ids) {
  owner.store.targets = {};
  owner.store.targets.live = true;
  for (const std::string& id : ids) owner.store.targets.letters.push_back(owner.letter(id));
}

TEST(AwakenTest, what_is_due_takes_its_place_by_its_time) {
  Owner owner;
  owner.apply({{"1", "due:60"},
               {"2", "due:30"},
               {"3", "due:90"},
               {.id = "4", .data = "due:45", .key = "other"}});
  owner.now = kMorning + 60 * kSecond;
  ASSERT_TRUE(owner.awaken());
  EXPECT_EQ(owner.next_scheduled, kMorning + 90 * kSecond);
  EXPECT_EQ(owner.row("2").state, OpenState::head);
  EXPECT_EQ(owner.row("2").due, kMorning + 30 * kSecond);
  EXPECT_EQ(owner.row("1").state, OpenState::parked);
  EXPECT_EQ(owner.row("4").state, OpenState::head);
  EXPECT_EQ(owner.row("3").state, OpenState::scheduled);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2", "1", "4"));
  owner.now = kMorning + 90 * kSecond;
  ASSERT_TRUE(owner.awaken());
  owner.drain();
  EXPECT_FALSE(owner.next_scheduled);
  EXPECT_TRUE(owner.store.tables.rows.empty());
}

TEST(AwakenTest, behind_a_held_key_it_waits_for_its_turn) {
  Owner owner;
  owner.apply({{"1", "due:10"}, {"2", "fail:1"}, {"3"}});
  owner.now = kMorning + 10 * kSecond;
  ASSERT_TRUE(owner.awaken());
  EXPECT_EQ(owner.row("1").state, OpenState::parked);
  owner.now = kMorning + 30 * kSecond;
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2", "3", "1"));
}

TEST(CompanionsTest, positions_are_remembered_and_requests_answered_together) {
  Owner owner;
  owner.apply({{"1", "reject:1"}, {"2", "reject:1"}, {"3", "reject:1"}});
  const auto done = owner.companions({{"retry.30s", 12}}, {{"/test", "1", 0},
                                                           {"/test", "2", 1},
                                                           {"/other", "3", 0},
                                                           {"/test", "1", 0},
                                                           {"/test", "unknown", 0}});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->revived, 1);
  EXPECT_EQ(owner.store.tables.companions.at("retry.30s"), 12);
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::replaying);
  EXPECT_EQ(owner.store.tables.letter_of("2")->state, LetterState::open) << "another life";
  EXPECT_EQ(owner.store.tables.letter_of("3")->state, LetterState::open) << "another source";
  EXPECT_EQ(owner.store.commits.back(), Durability::relaxed);
  ASSERT_TRUE(owner.companions({}, {{"/test", "1", 0}}));
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1"));
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::resolved);
}

TEST(CompanionsTest, positions_alone_touch_no_counter) {
  Owner owner;
  ASSERT_TRUE(owner.companions({{"retry.30s", 1}}, {}));
  EXPECT_THAT(owner.store.calls, ElementsAre("begin", "fence", "move_companions", "commit"));
}

TEST(CommandTest, a_replay_revives_open_letters_in_their_order_and_skips_the_others) {
  Owner owner;
  owner.apply({{"1", "reject:1"}, {"2", "reject:1"}, {"3", "reject:1"}});
  aim_at_letters(owner, {"2", "1"});
  owner.store.targets.letters.push_back(owner.letter("3"));
  owner.store.targets.letters.back().open = false;
  const auto done = owner.carry_out(CommandKind::replay);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->targeted, 3);
  EXPECT_EQ(done->revived, 2);
  EXPECT_EQ(done->count.skipped, 1);
  EXPECT_FALSE(done->more);
  EXPECT_TRUE(done->outbox_written) << "its end is announced";
  EXPECT_EQ(owner.store.commits.back(), Durability::durable);
  EXPECT_EQ(owner.store.tables.command_count.done, 2);
  EXPECT_EQ(owner.store.tables.command_count.skipped, 1);
  EXPECT_TRUE(owner.store.tables.command_over);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2", "1"));
}

TEST(CommandTest, a_page_that_is_not_the_last_ends_nothing) {
  Owner owner;
  owner.apply({{"1", "reject:1"}});
  aim_at_letters(owner, {"1"});
  owner.store.targets.more = true;
  const auto done = owner.carry_out(CommandKind::replay);
  EXPECT_TRUE(done->more);
  EXPECT_FALSE(done->outbox_written);
  EXPECT_FALSE(owner.store.tables.command_over);
  EXPECT_EQ(owner.store.tables.pages, 1);
}

TEST(CommandTest, a_command_that_is_over_does_nothing) {
  Owner owner;
  owner.apply({{"1", "reject:1"}});
  aim_at_letters(owner, {"1"});
  owner.store.targets.live = false;
  owner.store.targets.more = true;
  const auto done = owner.carry_out(CommandKind::replay);
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->more);
  EXPECT_EQ(owner.store.tables.pages, 0);
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::open);
}

TEST(CommandTest, retry_now_makes_heads_and_scheduled_events_due_and_no_others) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}, {.id = "3", .data = "due:500", .key = "x"}});
  aim_at_rows(owner);
  owner.now += kSecond;
  ASSERT_TRUE(owner.carry_out(CommandKind::retry_now));
  EXPECT_EQ(owner.store.tables.command_count.done, 2);
  EXPECT_EQ(owner.store.tables.command_count.skipped, 1) << "who is parked waits for its head";
  EXPECT_EQ(owner.next_due(), owner.now);
  EXPECT_EQ(owner.next_scheduled, owner.now);
  EXPECT_EQ(owner.row("1").attempts, 1) << "no attempt is given back";
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2"));
}

TEST(CommandTest, what_is_cancelled_ends_without_effect_and_the_key_goes_on) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}, {"3"}, {.id = "4", .data = "due:500", .key = "x"}});
  aim_at_rows(owner);
  std::erase_if(owner.store.targets.rows,
                [&](const OpenRow& row) { return row.number == owner.row("2").number; });
  ASSERT_TRUE(owner.carry_out(CommandKind::cancel));
  EXPECT_EQ(owner.store.tables.command_count.done, 3);
  EXPECT_EQ(owner.store.tables.counters.applied, 3) << "swallowed";
  EXPECT_EQ(owner.row("2").state, OpenState::head);
  EXPECT_EQ(owner.next_due(), owner.now);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
}

TEST(CommandTest, cancelling_everything_frees_the_key) {
  Owner owner;
  owner.apply({{"1", "fail:1"}, {"2"}});
  aim_at_rows(owner);
  ASSERT_TRUE(owner.carry_out(CommandKind::cancel));
  EXPECT_EQ(owner.held("k"), nullptr);
  EXPECT_EQ(owner.store.called("promote"), 0);
}

TEST(CommandTest, discarding_a_letter_that_holds_its_key_lets_the_key_go_on) {
  Owner owner;
  owner.route.hold_after_death = true;
  owner.apply({{"1", "invalid"}, {"2"}, {.id = "3", .data = "invalid", .key = "x"}});
  aim_at_letters(owner, {"1"});
  const auto done = owner.carry_out(CommandKind::discard);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->count.done, 1);
  EXPECT_EQ(done->revived, 0);
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::discarded);
  EXPECT_EQ(owner.store.tables.counters.dead, 2) << "discarded is dead";
  EXPECT_EQ(owner.row("2").state, OpenState::head);
  owner.drain();
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  EXPECT_TRUE(owner.held("x")->blocked);
}

TEST(CommandTest, restoring_opens_a_letter_again_and_holds_nothing) {
  Owner owner;
  owner.apply({{"1", "invalid"}});
  aim_at_letters(owner, {"1"});
  ASSERT_TRUE(owner.carry_out(CommandKind::discard));
  aim_at_letters(owner, {"1"});
  ASSERT_TRUE(owner.carry_out(CommandKind::restore));
  EXPECT_EQ(owner.store.tables.letter_of("1")->state, LetterState::open);
  EXPECT_EQ(owner.held("k"), nullptr);
}

TEST(CommandTest, erasing_ends_open_events_and_lets_go_of_held_letters) {
  Owner owner;
  owner.route.hold_after_death = true;
  owner.apply({{"1", "invalid"}, {"2"}, {"3"}, {.id = "4", .data = "fail:9", .key = "x"}});
  aim_at_letters(owner, {"1"});
  const auto letters = owner.store.targets.letters;
  aim_at_rows(owner);
  owner.store.targets.letters = letters;
  std::erase_if(owner.store.targets.rows,
                [&](const OpenRow& row) { return row.number == owner.row("3").number; });
  ASSERT_TRUE(owner.carry_out(CommandKind::erase));
  EXPECT_EQ(owner.store.called("settle_letters"), 1);
  EXPECT_EQ(owner.store.tables.rows.size(), 1U);
  EXPECT_EQ(owner.row("3").state, OpenState::head);
  EXPECT_EQ(owner.held("x"), nullptr);
}

TEST(OpenRunTest, a_refused_statement_is_our_fault_and_a_stale_claim_is_fenced) {
  Owner owner;
  owner.store.fail_on = "move_companions";
  owner.store.kind = FailureKind::bad_data;
  EXPECT_EQ(owner.companions({{"t", 1}}, {}).failure().kind, FailureKind::schema);
  EXPECT_THAT(owner.store.tables.companions, IsEmpty());
  ++owner.store.tables.claim.seq;
  EXPECT_EQ(owner.awaken().failure().kind, FailureKind::fenced);
}

}  // namespace
}  // namespace spool::delivery
