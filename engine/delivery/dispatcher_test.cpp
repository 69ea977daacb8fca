#include "engine/delivery/dispatcher.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using std::chrono::milliseconds;

using test::kStart;
constexpr milliseconds kPatience{100};
constexpr std::array<std::int32_t, 1> kOne{0};
constexpr std::array<std::int32_t, 3> kThree{0, 1, 2};

Taken taken(bool outbox_pending = false) {
  Taken taken;
  taken.state.claim = {base::random_uuid(), 1};
  taken.state.outbox_pending = outbox_pending;
  taken.bounds = {0, 100};
  return taken;
}

message::RecordBatch record(std::int64_t offset) {
  message::RecordBatch batch;
  message::Record one;
  one.offset = offset;
  batch.append(one);
  return batch;
}

class DispatcherTest : public testing::Test {
 protected:
  void take_all(bool outbox_pending = false) {
    while (auto work = dispatcher.next_work(test::moment(kStart))) {
      ASSERT_TRUE(std::holds_alternative<TakeJob>(work->job));
      dispatcher.finish(std::move(*work), TakeDone{taken(outbox_pending)}, kStart);
      if (outbox_pending) return;
    }
  }

  void run(std::span<const std::int32_t> partitions) {
    dispatcher.assign("h", partitions);
    take_all();
    ASSERT_TRUE(dispatcher.placement("h", kStart, kPatience));
  }

  ToPublish hand_out_one_row() {
    auto work = dispatcher.next_work(test::moment(kStart));
    EXPECT_TRUE(work && std::holds_alternative<ReadOutboxJob>(work->job));
    std::vector<OutboxRow> rows(1);
    rows[0].number = 1;
    return *dispatcher.finish(std::move(*work), ReadOutboxDone{std::move(rows)}, kStart).publish;
  }

  Dispatcher dispatcher{{{"h", {}}, {"other", {}}}};
};

TEST_F(DispatcherTest, every_lane_gets_its_turn) {
  run(kThree);
  for (int round = 0; round < 3; ++round) {
    std::set<std::int32_t> served;
    for (const std::int32_t partition : kThree)
      dispatcher.find({"h", partition})->offer(record(round), std::nullopt, kStart);
    std::vector<Work> works;
    while (auto work = dispatcher.next_work(test::moment(kStart))) {
      served.insert(work->lane.partition);
      works.push_back(std::move(*work));
    }
    EXPECT_EQ(served.size(), 3U);
    for (Work& work : works) {
      const auto& job = std::get<ApplyJob>(work.job);
      Committed after = test::committed(job);
      dispatcher.finish(std::move(work), ApplyDone{std::move(after), {}}, kStart);
    }
  }
}

TEST_F(DispatcherTest, the_search_begins_after_the_lane_served_last) {
  dispatcher.assign("h", kThree);
  std::vector<std::int32_t> order;
  for (int i = 0; i < 6; ++i) {
    auto work = dispatcher.next_work(test::moment(kStart));
    ASSERT_TRUE(work);
    order.push_back(work->lane.partition);
    // In doubt, it may take itself again at once: not before the others had their turn.
    const Failure doubt(FailureKind::in_doubt, "no answer");
    dispatcher.finish(std::move(*work), TakeDone{doubt}, kStart);
  }
  EXPECT_EQ(order[3], order[0]);
  EXPECT_EQ(std::set<std::int32_t>(order.begin(), order.begin() + 3).size(), 3U);
}

TEST_F(DispatcherTest, placement_waits_for_the_last_lane_but_not_for_ever) {
  dispatcher.assign("h", kThree);
  auto first = dispatcher.next_work(test::moment(kStart));
  dispatcher.finish(std::move(*first), TakeDone{taken()}, kStart);
  EXPECT_FALSE(dispatcher.placement("h", kStart, kPatience));
  EXPECT_FALSE(dispatcher.placement("h", kStart + kPatience / 2, kPatience));
  const auto some = dispatcher.placement("h", kStart + kPatience, kPatience);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->size(), 1U);
  take_all();
  const auto all = dispatcher.placement("h", kStart + kPatience, kPatience);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 3U) << "the whole assignment, those that run already included";
  EXPECT_FALSE(dispatcher.placement("h", kStart + kPatience, kPatience));
}

// The group must be able to rebalance again, whatever the database does.
TEST_F(DispatcherTest, the_group_is_answered_though_no_lane_could_be_taken) {
  dispatcher.assign("h", kThree);
  while (auto work = dispatcher.next_work(test::moment(kStart)))
    dispatcher.finish(std::move(*work), TakeDone{Failure(FailureKind::unavailable, "no")}, kStart);
  EXPECT_FALSE(dispatcher.placement("h", kStart, kPatience));
  const auto nothing = dispatcher.placement("h", kStart + kPatience, kPatience);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->empty());
  EXPECT_FALSE(dispatcher.placement("h", kStart + 10 * kPatience, kPatience)) << "once";
}

TEST_F(DispatcherTest, an_empty_assignment_is_answered_too) {
  dispatcher.assign("h", {});
  const auto none = dispatcher.placement("h", kStart, kPatience);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_FALSE(dispatcher.placement("h", kStart, kPatience)) << "once";
}

TEST_F(DispatcherTest, a_lane_placed_again_goes_on_behind_what_it_has_buffered) {
  run(kOne);
  dispatcher.find({"h", 0})->offer(record(0), std::nullopt, kStart);
  const std::array<std::int32_t, 1> another{1};
  dispatcher.assign("h", another);
  auto work = dispatcher.next_work(test::moment(kStart));
  while (work && !std::holds_alternative<TakeJob>(work->job))
    work = dispatcher.next_work(test::moment(kStart));
  ASSERT_TRUE(work);
  dispatcher.finish(std::move(*work), TakeDone{taken()}, kStart);
  const auto placements = dispatcher.placement("h", kStart, kPatience);
  ASSERT_TRUE(placements);
  ASSERT_EQ(placements->size(), 2U);
  EXPECT_EQ(placements->at(0).offset, 1);
}

TEST_F(DispatcherTest, a_revoked_lane_is_waited_for_until_it_has_let_go) {
  dispatcher.assign("h", kOne);
  auto work = dispatcher.next_work(test::moment(kStart));
  dispatcher.revoke_all("h");
  EXPECT_FALSE(dispatcher.next_work(test::moment(kStart)));
  EXPECT_FALSE(dispatcher.quiescent("h"));
  EXPECT_TRUE(dispatcher.quiescent("another"));
  dispatcher.finish(std::move(*work), TakeDone{taken()}, kStart);
  EXPECT_FALSE(dispatcher.quiescent("h"));
  auto last = dispatcher.next_work(test::moment(kStart));
  ASSERT_TRUE(last && std::holds_alternative<LetGoJob>(last->job));
  EXPECT_EQ(std::get<LetGoJob>(last->job).claim, dispatcher.find({"h", 0})->claim());
  EXPECT_FALSE(dispatcher.quiescent("h"));
  dispatcher.finish(std::move(*last), LetGoDone{Failure(FailureKind::unavailable, "no")}, kStart);
  EXPECT_TRUE(dispatcher.quiescent("h")) << "whatever came of it";
  EXPECT_FALSE(dispatcher.next_work(test::moment(kStart))) << "once";
  dispatcher.drop_revoked("h");
  EXPECT_EQ(dispatcher.find({"h", 0}), nullptr);
}

TEST_F(DispatcherTest, a_revoked_lane_that_was_never_taken_has_nothing_to_let_go_of) {
  dispatcher.assign("h", kOne);
  dispatcher.revoke_all("h");
  EXPECT_FALSE(dispatcher.next_work(test::moment(kStart)));
  EXPECT_TRUE(dispatcher.quiescent("h"));
}

TEST_F(DispatcherTest, a_lane_given_back_while_it_lets_go_will_let_go_again) {
  run(kOne);
  dispatcher.revoke_all("h");
  auto last = dispatcher.next_work(test::moment(kStart));
  ASSERT_TRUE(last && std::holds_alternative<LetGoJob>(last->job));
  dispatcher.drop_revoked("h");
  dispatcher.assign("h", kOne);
  dispatcher.finish(std::move(*last), LetGoDone{base::Status()}, kStart);
  take_all();
  dispatcher.revoke_all("h");
  EXPECT_FALSE(dispatcher.quiescent("h"));
  last = dispatcher.next_work(test::moment(kStart));
  EXPECT_TRUE(last && std::holds_alternative<LetGoJob>(last->job));
}

TEST_F(DispatcherTest, a_lane_busy_beyond_the_deadline_goes_when_its_job_ends) {
  dispatcher.assign("h", kOne);
  auto work = dispatcher.next_work(test::moment(kStart));
  dispatcher.revoke_all("h");
  dispatcher.drop_revoked("h");
  ASSERT_NE(dispatcher.find({"h", 0}), nullptr);
  EXPECT_FALSE(dispatcher.finish(std::move(*work), TakeDone{taken()}, kStart).publish);
  EXPECT_EQ(dispatcher.find({"h", 0}), nullptr);
}

TEST_F(DispatcherTest, a_busy_lane_given_back_forgets_the_job_of_its_earlier_life) {
  dispatcher.assign("h", kOne);
  auto work = dispatcher.next_work(test::moment(kStart));
  dispatcher.revoke_all("h");
  dispatcher.drop_revoked("h");
  dispatcher.assign("h", kOne);
  EXPECT_FALSE(dispatcher.next_work(test::moment(kStart))) << "still busy";
  dispatcher.finish(std::move(*work), TakeDone{taken()}, kStart);
  ASSERT_NE(dispatcher.find({"h", 0}), nullptr);
  EXPECT_EQ(dispatcher.find({"h", 0})->phase(), LanePhase::untaken);
  EXPECT_TRUE(dispatcher.next_work(test::moment(kStart)));
}

TEST_F(DispatcherTest, answers_to_rows_of_a_dropped_lane_do_not_reach_its_successor) {
  dispatcher.assign("h", kOne);
  take_all(true);
  const ToPublish before = hand_out_one_row();
  dispatcher.revoke_all("h");
  dispatcher.drop_revoked("h");
  dispatcher.assign("h", kOne);
  take_all(true);
  const ToPublish after = hand_out_one_row();
  dispatcher.published(before.lane, before.generation, 1, {}, kStart);
  EXPECT_EQ(dispatcher.find({"h", 0})->outbox_in_flight(), 1U);
  dispatcher.published(after.lane, after.generation, 1, {}, kStart);
  EXPECT_EQ(dispatcher.find({"h", 0})->outbox_in_flight(), 0U);
}

TEST_F(DispatcherTest, rows_read_for_a_lane_forgotten_meanwhile_are_not_published) {
  dispatcher.assign("h", kOne);
  take_all(true);
  auto work = dispatcher.next_work(test::moment(kStart));
  dispatcher.find({"h", 0})->forget("lost");
  std::vector<OutboxRow> rows(1);
  EXPECT_FALSE(
      dispatcher.finish(std::move(*work), ReadOutboxDone{std::move(rows)}, kStart).publish);
}

TEST_F(DispatcherTest, claims_are_those_of_owned_idle_lanes) {
  run(kThree);
  EXPECT_EQ(dispatcher.claims().size(), 3U);
  dispatcher.find({"h", 0})->offer(record(0), std::nullopt, kStart);
  const auto work = dispatcher.next_work(test::moment(kStart));
  EXPECT_EQ(dispatcher.claims().size(), 2U);
  dispatcher.find({"h", 1})->forget("lost");
  EXPECT_EQ(dispatcher.claims().size(), 1U);
  const std::array<std::int32_t, 1> third{2};
  dispatcher.revoke("h", third);
  EXPECT_TRUE(dispatcher.claims().empty());
}

TEST_F(DispatcherTest, a_lane_that_the_answer_leaves_out_is_forgotten) {
  run(kThree);
  const auto asked = dispatcher.claims();
  auto seen = asked;
  seen.erase(seen.begin());
  ++seen.back().claim.seq;
  dispatcher.compare(asked, seen);
  EXPECT_EQ(dispatcher.find({"h", 0})->phase(), LanePhase::untaken);
  EXPECT_EQ(dispatcher.find({"h", 1})->phase(), LanePhase::running);
  EXPECT_EQ(dispatcher.find({"h", 2})->phase(), LanePhase::untaken);
}

TEST_F(DispatcherTest, it_wakes_for_the_first_lane_that_waits) {
  dispatcher.assign("h", kThree);
  EXPECT_FALSE(dispatcher.wake_at(test::moment(kStart)));
  auto work = dispatcher.next_work(test::moment(kStart));
  dispatcher.finish(std::move(*work), TakeDone{Failure(FailureKind::slow, "no")}, kStart);
  EXPECT_EQ(dispatcher.wake_at(test::moment(kStart)), kStart + LaneLimits{}.wait_first);
}

}  // namespace
}  // namespace spool::delivery
