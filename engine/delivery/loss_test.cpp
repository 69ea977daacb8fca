// A lane that lost its position, and the operator who accepts it: judged by the log as it is,
// carried out by the owner, after which the lane is taken again.
#include "engine/delivery/loss.hpp"

#include <gmock/gmock.h>

#include <array>

#include "engine/delivery/dispatcher.hpp"
#include "engine/delivery/lane_test_support.hpp"
#include "engine/delivery/memory_store_test_support.hpp"

namespace spool::delivery {
namespace {

using base::FailureKind;
using test::kLane;
using test::kMorning;
using test::kStart;
using test::LaneTest;
using test::MemoryStore;
using test::moment;
using test::records;
using test::taken;
using testing::HasSubstr;

bool may(const Loss& loss, std::int64_t next, const LogBounds& bounds) {
  return !refused(loss, next, bounds);
}

TEST(LossTest, what_retention_removed_is_lost_up_to_the_first_record_and_no_further) {
  EXPECT_TRUE(may({5, 8}, 5, {8, 20}));
  EXPECT_TRUE(may({5, 7}, 5, {8, 20})) << "more is gone than was seen: that is another loss";
  EXPECT_FALSE(may({5, 9}, 5, {8, 20})) << "offset 8 is still there";
  EXPECT_FALSE(may({5, 5}, 5, {8, 20}));
  EXPECT_FALSE(may({5, 0}, 5, {8, 20}));
  EXPECT_EQ(lost_offsets({5, 8}), 3);
}

TEST(LossTest, beyond_the_end_the_operator_says_whether_the_log_is_the_same) {
  EXPECT_TRUE(may({50, 10}, 50, {10, 30})) << "another log, from its beginning";
  EXPECT_TRUE(may({50, 30}, 50, {10, 30})) << "the same one, from its end";
  EXPECT_FALSE(may({50, 9}, 50, {10, 30}));
  EXPECT_FALSE(may({50, 31}, 50, {10, 30}));
  EXPECT_EQ(lost_offsets({50, 10}), 0) << "nothing that this log ever had";
}

TEST(LossTest, where_other_records_stand_the_lane_goes_back_to_the_first) {
  EXPECT_TRUE(may({50, 10}, 50, {10, 90}));
  EXPECT_FALSE(may({50, 50}, 50, {10, 90}));
  EXPECT_FALSE(may({50, 90}, 50, {10, 90}));
}

TEST(LossTest, another_position_than_the_one_that_was_seen_is_refused) {
  EXPECT_EQ(refused({5, 8}, 6, {8, 20}), "the lane's position is 6, not 5");
}

Command acceptance(std::int64_t from, std::int64_t to) {
  return {base::name_uuid("test", "loss"), CommandKind::accept_loss, 0, Loss{from, to}};
}

using LossLaneTest = LaneTest;

TEST_F(LossLaneTest, a_stopped_lane_carries_out_an_acceptance_and_nothing_else) {
  take(taken(3, {4, 100}));
  const Command replay{base::name_uuid("test", "replay"), CommandKind::replay};
  lane.set_commands({replay, acceptance(3, 4)});
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped({}, kStart);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(std::size_t{0}, kStart);
  const auto job = begin<CommandJob>();
  EXPECT_EQ(job.command, acceptance(3, 4));
  EXPECT_TRUE(job.position_lost);
  EXPECT_EQ(job.footing.next, 3);
  Committed done = test::committed(job.footing);
  done.moved = true;
  lane.finish_command(job, done, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  EXPECT_EQ(lane.pause_reason(), PauseReason::none);
  take(taken(4, {4, 100}));
  EXPECT_EQ(lane.phase(), LanePhase::unplaced);
}

TEST_F(LossLaneTest, refused_it_stands_still_as_before) {
  take(taken(3, {4, 100}));
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped({}, kStart);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(std::size_t{0}, kStart);
  lane.set_commands({acceptance(2, 4)});
  const auto job = begin<CommandJob>();
  lane.finish_command(job, test::committed(job.footing), kStart);
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
  EXPECT_EQ(lane.pause_reason(), PauseReason::position_lost);
  EXPECT_EQ(lane.commands_waiting(), 0U);
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
}

TEST_F(LossLaneTest, an_acceptance_that_fails_is_tried_again) {
  take(taken(3, {4, 100}));
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped({}, kStart);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(std::size_t{0}, kStart);
  lane.set_commands({acceptance(3, 4)});
  lane.finish_command(begin<CommandJob>(), base::Failure(FailureKind::unavailable, "no"), kStart);
  const auto wake = test::wake(lane);
  ASSERT_TRUE(wake);
  EXPECT_GT(*wake, kStart);
  begin<CommandJob>(*wake);
}

// The row belongs to another topic's offsets.
TEST_F(LossLaneTest, a_lane_that_counts_another_topic_accepts_nothing) {
  ASSERT_TRUE(lane.next_job(moment(kStart), {}));
  lane.finish_take(base::Failure(FailureKind::position, "counts another topic"), kStart);
  lane.set_commands({acceptance(0, 4)});
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
}

// It was given while nobody had the lane: the new owner must not refuse it before it has looked.
TEST_F(LossLaneTest, until_the_log_has_proved_to_be_the_same_an_acceptance_waits) {
  take(taken(10, {0, 100}, 5));
  lane.place();
  lane.set_commands({acceptance(10, 0)});
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
  lane.offer(records(9, 9, 5), std::nullopt, kStart);
  EXPECT_FALSE(begin<CommandJob>().position_lost);
}

TEST_F(LossLaneTest, and_is_carried_out_if_it_has_not) {
  take(taken(10, {0, 100}, 5));
  lane.place();
  lane.offer(records(9, 9, 6), std::nullopt, kStart);
  ASSERT_EQ(lane.phase(), LanePhase::stopped);
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped({}, kStart);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(std::size_t{0}, kStart);
  lane.set_commands({acceptance(10, 0)});
  EXPECT_TRUE(begin<CommandJob>().position_lost);
}

// From the taking of a lane at 50 until the acceptance has been carried out, or refused.
struct Journey {
  Journey() {
    store.tables.next = 50;
    store.tables.counters.applied = 50;
  }

  void run(const LogBounds& log, std::int64_t from, std::int64_t to) {
    store.log = store.log_later = log;
    const std::array<std::int32_t, 1> partitions{0};
    const LaneCommand asked{kLane, acceptance(from, to)};
    dispatcher.assign(kLane.handler, partitions);
    for (int step = 0; step < 60; ++step) {
      now += std::chrono::seconds(20);
      store.targets.live = !store.tables.command_over;
      auto work = dispatcher.next_work({now, kMorning});
      if (!work && store.tables.command_over) break;
      if (!work) {
        dispatcher.set_commands({&asked, 1});
        continue;
      }
      Done done = executor.run(work->lane, work->job, kMorning);
      if (const auto* open = std::get_if<OpenDone>(&done); open != nullptr && open->outcome)
        refusal = open->outcome->refusal;
      dispatcher.finish(std::move(*work), std::move(done), now);
    }
    EXPECT_TRUE(store.tables.command_over);
    test::expect_sound(store.tables);
  }
  LanePhase phase() { return dispatcher.find(kLane)->phase(); }

  test::Seen seen;
  MemoryStore store;
  handler::Handler handler = test::script_handler(seen, handler::Idempotence::natural);
  Executor executor{store, store, store, {{kLane.handler, Route{test::kTopic, &handler}}}};
  Dispatcher dispatcher{{{kLane.handler, HandlerLanes{}}}};
  Instant now{};
  std::string refusal;
};

TEST(LossJourneyTest, what_is_gone_counts_as_lost_and_the_lane_goes_on) {
  Journey journey;
  journey.run({70, 90, 1}, 50, 70);
  EXPECT_EQ(journey.store.tables.next, 70);
  EXPECT_EQ(journey.store.tables.counters.lost, 20);
  EXPECT_EQ(journey.store.tables.command_count.done, 1);
  EXPECT_EQ(journey.store.commits.back(), Durability::durable);
  EXPECT_EQ(journey.phase(), LanePhase::unplaced);
}

TEST(LossJourneyTest, what_was_lost_since_stops_the_lane_again) {
  Journey journey;
  journey.run({70, 90, 1}, 50, 60);
  EXPECT_EQ(journey.store.tables.next, 60);
  EXPECT_EQ(journey.store.tables.counters.lost, 10);
  EXPECT_EQ(journey.phase(), LanePhase::stopped);
  EXPECT_EQ(journey.store.tables.stopped, "position_lost");
}

TEST(LossJourneyTest, another_log_is_read_from_its_beginning_and_the_counters_stay) {
  Journey journey;
  journey.run({0, 20, 1}, 50, 0);
  EXPECT_EQ(journey.store.tables.next, 0);
  EXPECT_EQ(journey.store.tables.start, -50);
  EXPECT_EQ(journey.store.tables.counters.applied, 50);
  EXPECT_EQ(journey.store.tables.counters.lost, 0);
  EXPECT_EQ(journey.phase(), LanePhase::unplaced);
}

TEST(LossJourneyTest, a_loss_that_is_another_by_now_is_refused) {
  Journey journey;
  journey.run({70, 90, 1}, 40, 70);
  EXPECT_EQ(journey.store.tables.next, 50);
  EXPECT_EQ(journey.store.tables.command_count.done, 0);
  EXPECT_EQ(journey.store.tables.command_count.skipped, 1);
  EXPECT_THAT(journey.refusal, HasSubstr("the lane's position is 50, not 40"));
  EXPECT_EQ(journey.phase(), LanePhase::stopped);
}

TEST(LossJourneyTest, a_position_that_is_not_lost_stays) {
  Journey journey;
  journey.run({0, 90, 1}, 50, 0);
  EXPECT_EQ(journey.store.tables.next, 50);
  EXPECT_EQ(journey.store.tables.command_count.skipped, 1);
  EXPECT_EQ(journey.refusal, "the position is not lost");
}

TEST(LossJourneyTest, whatever_call_fails_once_it_is_accepted_once) {
  Journey rehearsal;
  rehearsal.run({70, 90, 1}, 50, 70);
  const auto calls = static_cast<int>(rehearsal.store.calls.size());
  ASSERT_GT(calls, 10);
  for (const FailureKind kind : {FailureKind::unavailable, FailureKind::fenced, FailureKind::schema,
                                 FailureKind::slow, FailureKind::in_doubt}) {
    for (int call = 0; call < calls; ++call) {
      for (const bool really : {false, true}) {
        if (really && kind != FailureKind::in_doubt) continue;
        SCOPED_TRACE(std::string(base::to_string(kind)) + " at call " + std::to_string(call));
        Journey journey;
        journey.store.fail_at = call;
        journey.store.kind = kind;
        journey.store.really_commits = really;
        journey.run({70, 90, 1}, 50, 70);
        EXPECT_EQ(journey.store.tables.next, 70);
        EXPECT_EQ(journey.store.tables.counters.lost, 20);
        EXPECT_EQ(journey.store.tables.command_count, (CommandCount{1, 0}));
        EXPECT_EQ(journey.phase(), LanePhase::unplaced);
      }
    }
  }
}

}  // namespace
}  // namespace spool::delivery
