#include "engine/delivery/suspicion.hpp"

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

Suspicion marked(Suspicion suspicion, const Trial& trial) {
  suspicion.trial = trial;
  return suspicion;
}

TEST(SuspicionTest, an_owner_that_let_go_leaves_none) {
  EXPECT_FALSE(after_taking({}, false).any());
}

TEST(SuspicionTest, whatever_an_owner_that_died_may_have_run_is_suspect) {
  const Suspicion now = after_taking({}, true);
  EXPECT_GT(now.log_together, 10'000);
  EXPECT_GT(now.open_together, 10'000);
  const auto trial = next_trial(now, Origin::log, 40, 50, 10);
  ASSERT_TRUE(trial);
  EXPECT_EQ(*trial, (Trial{Origin::log, 40, 50, 10}));
  const Suspicion log_ran = after_commit(marked(now, *trial), *trial, 50);
  EXPECT_EQ(log_ran.log_together, 0) << "the next run is all";
  EXPECT_GT(log_ran.open_together, 0) << "the open ones have not run";
  const auto open = next_trial(log_ran, Origin::open, 3, 0, 7);
  ASSERT_TRUE(open);
  EXPECT_EQ(after_commit(marked(log_ran, *open), *open, 50), Suspicion{});
}

TEST(SuspicionTest, nothing_is_marked_without_suspicion) {
  EXPECT_FALSE(next_trial({}, Origin::log, 0, 9, 9));
  Suspicion log_only;
  log_only.log_together = 1;
  EXPECT_FALSE(next_trial(log_only, Origin::open, 1, 0, 1));
}

TEST(SuspicionTest, suspects_that_have_not_run_stay_suspect_whoever_takes_the_lane) {
  Suspicion found;
  found.log_together = 100;
  found.log_until = 900;
  EXPECT_EQ(after_taking(found, false), found);
  const Suspicion ended = after_taking(found, true);
  EXPECT_EQ(ended.log_together, 100) << "the end came before one of them ran";
  EXPECT_EQ(ended.log_until, 900);
  EXPECT_GT(ended.open_together, 0) << "it may have come from those that nobody suspected";
  const Suspicion running = marked(found, {Origin::log, 0, 100, 100});
  EXPECT_EQ(after_taking(running, false), found) << "the mark of a run that only failed";
}

TEST(SuspicionTest, an_end_under_a_mark_narrows_it_by_hundreds_to_one) {
  Suspicion now = after_taking({}, true);
  now = after_taking(marked(now, {Origin::log, 1'000, 11'000, 10'000}), true);
  EXPECT_EQ(now.log_together, 100);
  EXPECT_EQ(now.log_until, 11'000);
  EXPECT_FALSE(now.trial);
  now = after_taking(marked(now, {Origin::log, 1'400, 1'500, 100}), true);
  EXPECT_EQ(now.log_together, 1);
  EXPECT_EQ(now.log_until, 1'500);
  EXPECT_EQ(now.ends, 0) << "nobody ran alone yet";
}

TEST(SuspicionTest, open_suspects_run_one_by_one_at_once) {
  const Suspicion now = after_taking(marked(after_taking({}, true), {Origin::open, 5, 0, 3}), true);
  EXPECT_EQ(now.open_together, 1);
  EXPECT_EQ(now.open_left, 3);
  Suspicion left = now;
  for (std::int64_t number = 5; number < 8; ++number) {
    EXPECT_GT(left.open_together, 0);
    const Trial alone{Origin::open, number, 0, 1};
    left = after_commit(marked(left, alone), alone, 0);
  }
  EXPECT_EQ(left.open_together, 0);
}

TEST(SuspicionTest, a_commit_clears_suspects_only_when_the_last_of_them_has_run) {
  Suspicion now;
  now.log_together = 10;
  now.log_until = 100;
  const Trial first{Origin::log, 80, 90, 10};
  now = after_commit(marked(now, first), first, 90);
  EXPECT_EQ(now.log_together, 10);
  EXPECT_FALSE(now.trial);
  const Trial last{Origin::log, 90, 100, 10};
  EXPECT_FALSE(after_commit(marked(now, last), last, 100).any());
  EXPECT_TRUE(after_commit(marked(now, last), last, 99).any()) << "it did not get to the end";
}

TEST(SuspicionTest, a_run_that_moved_nothing_ran_nothing) {
  Suspicion all;
  all.log_together = 1;
  const Trial trial{Origin::log, 7, 8, 1};
  EXPECT_EQ(after_commit(marked(all, trial), trial, 7), all);
}

TEST(SuspicionTest, three_ends_alone_in_a_row_condemn_and_no_fewer) {
  Suspicion now;
  now.log_together = 1;
  now.log_until = 60;
  const Trial alone{Origin::log, 42, 43, 1};
  for (int end = 1; end <= kEndsToDie; ++end) {
    EXPECT_FALSE(condemned(now, alone)) << end;
    now = after_taking(marked(now, alone), true);
    EXPECT_EQ(now.ends, end);
  }
  EXPECT_TRUE(condemned(now, alone));
  EXPECT_FALSE(condemned(now, {Origin::log, 43, 44, 1})) << "another event";
  EXPECT_FALSE(condemned(now, {Origin::open, 42, 0, 1})) << "another origin";
  EXPECT_FALSE(condemned(now, {Origin::log, 42, 52, 10})) << "not alone";
}

TEST(SuspicionTest, an_end_of_another_begins_the_count_again) {
  Suspicion now;
  now.log_together = 1;
  now.log_until = 60;
  const Trial one{Origin::log, 42, 43, 1};
  const Trial other{Origin::log, 43, 44, 1};
  now = after_taking(marked(now, one), true);
  now = after_taking(marked(now, one), true);
  now = after_taking(marked(now, other), true);
  EXPECT_EQ(now.ends, 1);
  EXPECT_EQ(now.accused, other);
}

TEST(SuspicionTest, the_accused_is_cleared_by_its_own_good_run_not_by_anothers) {
  Suspicion now;
  now.log_together = 1;
  now.log_until = 60;
  const Trial accused{Origin::log, 42, 43, 1};
  now = after_taking(marked(now, accused), true);
  const Trial open{Origin::open, 1, 0, 1};
  EXPECT_EQ(after_commit(marked(now, open), open, 42).ends, 1);
  const Suspicion cleared = after_commit(marked(now, accused), accused, 43);
  EXPECT_EQ(cleared.ends, 0);
  EXPECT_FALSE(cleared.accused);
  EXPECT_FALSE(cleared.any()) << "it was the last";
}

TEST(SuspicionTest, the_accused_stays_accused_while_others_run_well) {
  Suspicion now;
  now.log_together = 1;
  now.log_until = 60;
  now.accused = Trial{Origin::log, 50, 51, 1};
  now.ends = 2;
  const Trial other{Origin::log, 42, 43, 1};
  EXPECT_EQ(after_commit(marked(now, other), other, 43), now);
}

}  // namespace
}  // namespace spool::delivery
