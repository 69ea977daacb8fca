#include "engine/delivery/lane.hpp"

#include <gtest/gtest.h>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using test::committed;
using test::kStart;
using test::LaneTest;
using test::moment;
using test::records;
using test::running;
using test::small_limits;
using test::taken;
using test::wake;

constexpr FailureKind kWaiting[] = {
    FailureKind::unavailable, FailureKind::conflict, FailureKind::slow,      FailureKind::stopped,
    FailureKind::position,    FailureKind::invalid,  FailureKind::not_found, FailureKind::refused};
constexpr FailureKind kOurFault[] = {FailureKind::schema, FailureKind::bad_data};
constexpr FailureKind kForgetting[] = {FailureKind::fenced, FailureKind::in_doubt};

TEST_F(LaneTest, begins_with_taking_itself) {
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  begin<TakeJob>();
  EXPECT_TRUE(lane.busy());
  EXPECT_FALSE(lane.next_job(moment(kStart), {})) << "one job at a time";
}

TEST_F(LaneTest, taken_it_waits_for_its_place_and_then_wants_records) {
  take(taken(7, {0, 100}));
  EXPECT_EQ(lane.phase(), LanePhase::unplaced);
  EXPECT_FALSE(lane.wants_records());
  EXPECT_EQ(lane.place(), 7);
  lane.place();
  EXPECT_TRUE(lane.wants_records());
}

TEST_F(LaneTest, every_failure_of_taking_leaves_it_untaken) {
  for (const FailureKind kind : kWaiting) {
    if (kind == FailureKind::position) continue;  // it stops, see below
    Lane fresh{LaneId{"handler", 0}, small_limits()};
    ASSERT_TRUE(fresh.next_job(moment(kStart), {}));
    fresh.finish_take(Failure(kind, "no"), kStart);
    EXPECT_EQ(fresh.phase(), LanePhase::untaken);
    EXPECT_EQ(fresh.pause_reason(), PauseReason::database) << base::to_string(kind);
    EXPECT_FALSE(fresh.next_job(moment(kStart), {})) << "it waits first";
    ASSERT_TRUE(wake(fresh));
    EXPECT_TRUE(fresh.next_job(moment(*wake(fresh)), {}));
  }
  for (const FailureKind kind : kForgetting) {
    Lane fresh{LaneId{"handler", 0}, small_limits()};
    ASSERT_TRUE(fresh.next_job(moment(kStart), {}));
    fresh.finish_take(Failure(kind, "no"), kStart);
    EXPECT_TRUE(fresh.next_job(moment(wake(fresh).value_or(kStart)), {})) << base::to_string(kind);
  }
}

// The row belongs to the offsets of another topic: it is not ours to write either.
TEST_F(LaneTest, a_row_of_another_topic_stops_it_without_a_word_to_the_database) {
  ASSERT_TRUE(lane.next_job(moment(kStart), {}));
  lane.finish_take(Failure(FailureKind::position, "counts another topic"), kStart);
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
  EXPECT_EQ(lane.pause_reason(), PauseReason::position_lost);
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
}

// The topic may have been recreated since, and have grown beyond the position.
TEST_F(LaneTest, placed_again_it_looks_for_the_last_record_it_knows) {
  take(taken(0, {0, 100}));
  ASSERT_EQ(lane.place(), 0);
  lane.offer(records(0, 4, 5), std::nullopt, kStart);
  EXPECT_EQ(lane.place(), 4);
  lane.offer(records(4, 9, 6), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
}

TEST_F(LaneTest, placed_again_over_the_same_log_it_goes_on) {
  take(taken(0, {0, 100}));
  ASSERT_EQ(lane.place(), 0);
  lane.offer(records(0, 4, 5), std::nullopt, kStart);
  EXPECT_EQ(lane.place(), 4);
  lane.offer(records(4, 9, 5), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::running);
  const auto job = begin<ApplyJob>();
  EXPECT_EQ(job.to(), 10);
}

TEST_F(LaneTest, a_position_below_the_log_stops_it) {
  take(taken(3, {4, 100}));
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
  EXPECT_EQ(lane.pause_reason(), PauseReason::position_lost);
  EXPECT_EQ(begin<MarkStoppedJob>().reason, "position_lost");
}

TEST_F(LaneTest, the_probe_is_fetched_but_not_applied) {
  take(taken(10, {0, 100}, 5));
  EXPECT_EQ(lane.place(), 9);
  lane.place();
  lane.offer(records(9, 9, 5), std::nullopt, kStart);
  EXPECT_EQ(lane.buffered_records(), 0U);
  EXPECT_EQ(lane.place(), 10);
}

TEST_F(LaneTest, a_probe_of_another_time_stops_it) {
  take(taken(10, {0, 100}, 5));
  lane.place();
  lane.offer(records(9, 12, 6), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
  EXPECT_EQ(lane.buffered_records(), 0U);
}

TEST_F(LaneTest, a_probe_that_compaction_took_is_no_reason_to_stop) {
  take(taken(10, {0, 100, 1, true}, 5));
  lane.place();
  lane.offer(records(10, 11, 6), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::running);
  EXPECT_EQ(begin<ApplyJob>().to(), 12);
}

// Where nothing is compacted a delivered record does not vanish: another topic stands there now.
TEST_F(LaneTest, a_probe_that_is_gone_without_compaction_stops_it) {
  take(taken(10, {0, 100}, 5));
  lane.place();
  lane.offer(records(10, 11, 6), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::stopped);
}

TEST_F(LaneTest, records_below_the_probe_are_no_probe) {
  take(taken(10, {0, 100}, 5));
  lane.place();
  lane.offer(records(7, 8, 1), std::nullopt, kStart);
  lane.offer(records(8, 11, 5), std::nullopt, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::running);
  EXPECT_EQ(begin<ApplyJob>().to(), 12);
}

TEST_F(LaneTest, a_log_that_ends_before_the_probe_is_asked_for_its_bounds_again) {
  take(taken(10, {0, 10}, 5));
  lane.place();
  lane.offer({}, 9, kStart);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
}

TEST_F(LaneTest, what_is_fetched_twice_is_dropped) {
  run();
  lane.offer(records(0, 4), std::nullopt, kStart);
  lane.offer(records(2, 4), std::nullopt, kStart);
  EXPECT_EQ(lane.buffered_records(), 5U);
  lane.offer(records(3, 5), std::nullopt, kStart);
  EXPECT_EQ(begin<ApplyJob>().to(), 6);
}

TEST_F(LaneTest, the_end_of_the_log_counts_a_gap_only_once) {
  run();
  lane.offer(records(0, 1), 4, kStart);
  lane.offer({}, 4, kStart);
  const auto job = begin<ApplyJob>();
  EXPECT_EQ(job.slices.size(), 2U);
  EXPECT_EQ(job.to(), 4);
}

TEST_F(LaneTest, a_lane_that_is_not_running_takes_no_records) {
  lane.offer(records(0, 1), 2, kStart);
  EXPECT_EQ(lane.buffered_records(), 0U);
  take(taken(0, {0, 100}));
  lane.offer(records(0, 1), 2, kStart);
  EXPECT_EQ(lane.buffered_records(), 0U);
}

TEST_F(LaneTest, a_commit_moves_what_it_remembers) {
  run();
  const auto seq = lane.claim().seq;
  lane.offer(records(0, 4), std::nullopt, kStart);
  apply();
  EXPECT_EQ(lane.next(), 5);
  EXPECT_EQ(lane.claim().seq, seq + 1);
  EXPECT_EQ(lane.counters().applied, 5);
}

TEST_F(LaneTest, a_batch_that_nobody_is_to_blame_for_is_tried_again_whole) {
  for (const FailureKind kind : kWaiting) {
    Lane fresh = running(small_limits());
    fresh.offer(records(0, 1), std::nullopt, kStart);
    fresh.offer(records(2, 3), std::nullopt, kStart);
    auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
    EXPECT_EQ(fresh.buffered_records(), 0U);
    fresh.finish_apply(std::move(job), Failure(kind, "no"), kStart);
    EXPECT_EQ(fresh.buffered_records(), 4U);
    EXPECT_EQ(fresh.next(), 0);
    EXPECT_EQ(fresh.pause_reason(), PauseReason::database);
    EXPECT_FALSE(fresh.next_job(moment(kStart), {}));
    EXPECT_EQ(std::get<ApplyJob>(*fresh.next_job(moment(*wake(fresh)), {})).to(), 4);
  }
}

TEST_F(LaneTest, our_own_fault_pauses_with_reason_schema) {
  for (const FailureKind kind : kOurFault) {
    Lane fresh = running(small_limits());
    fresh.offer(records(0, 1), std::nullopt, kStart);
    auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
    fresh.finish_apply(std::move(job), Failure(kind, "no"), kStart);
    EXPECT_EQ(fresh.pause_reason(), PauseReason::schema);
    EXPECT_EQ(fresh.buffered_records(), 2U);
  }
}

TEST_F(LaneTest, fenced_or_in_doubt_it_forgets_and_takes_itself_again) {
  for (const FailureKind kind : kForgetting) {
    Lane fresh = running(small_limits());
    fresh.offer(records(0, 1), std::nullopt, kStart);
    const auto generation = fresh.generation();
    auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
    fresh.finish_apply(std::move(job), Failure(kind, "why"), kStart);
    EXPECT_EQ(fresh.phase(), LanePhase::untaken);
    EXPECT_EQ(fresh.buffered_records(), 0U);
    EXPECT_GT(fresh.generation(), generation);
    EXPECT_EQ(fresh.forgotten_because(), "why");
    // A fenced owner does not fight for the lane: its successor may be right.
    EXPECT_EQ(wake(fresh).has_value(), kind == FailureKind::fenced);
    const Instant when = wake(fresh).value_or(kStart);
    EXPECT_TRUE(std::holds_alternative<TakeJob>(*fresh.next_job(moment(when), {})));
  }
}

// The same batch would be too slow for ever.
TEST_F(LaneTest, a_batch_that_is_too_slow_three_times_is_halved_and_grows_again) {
  LaneLimits small = small_limits();
  small.batch_events_max = 8;
  Lane slow = running(small);
  for (std::int64_t offset = 0; offset < 16; ++offset)
    slow.offer(records(offset, offset), std::nullopt, kStart);
  Instant now = kStart;
  std::vector<std::int64_t> sizes;
  for (int attempt = 0; attempt < 5; ++attempt) {
    auto job = std::get<ApplyJob>(*slow.next_job(moment(now), {}));
    sizes.push_back(job.to() - job.footing.next);
    slow.finish_apply(std::move(job), Failure(FailureKind::slow, "statement timeout"), now);
    now = *wake(slow, now);
  }
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{8, 8, 8, 4, 2}));
  for (const std::int64_t size : {1, 2, 4, 8}) {
    auto job = std::get<ApplyJob>(*slow.next_job(moment(now), {}));
    EXPECT_EQ(job.to() - job.footing.next, size);
    const Committed done = committed(job);
    slow.finish_apply(std::move(job), done, now);
  }
}

TEST_F(LaneTest, a_job_of_a_forgotten_life_changes_nothing) {
  run();
  lane.offer(records(0, 4), std::nullopt, kStart);
  auto job = begin<ApplyJob>();
  lane.forget("assigned anew");
  EXPECT_TRUE(lane.busy());
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
  auto done = committed(job);
  lane.finish_apply(std::move(job), std::move(done), kStart);
  EXPECT_EQ(lane.next(), 0);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  begin<TakeJob>();
}

TEST_F(LaneTest, a_batch_ends_at_its_limits_but_takes_one_slice_at_least) {
  LaneLimits small = small_limits();
  small.batch_events_max = 3;
  Lane fresh = running(small);
  fresh.offer(records(0, 4), std::nullopt, kStart);
  fresh.offer(records(5, 6), std::nullopt, kStart);
  fresh.offer(records(7, 7), std::nullopt, kStart);
  fresh.offer(records(8, 8), std::nullopt, kStart);
  auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
  EXPECT_EQ(job.to(), 5);
  auto done = committed(job);
  fresh.finish_apply(std::move(job), std::move(done), kStart);
  EXPECT_EQ(std::get<ApplyJob>(*fresh.next_job(moment(kStart), {})).to(), 8);
}

TEST_F(LaneTest, a_full_buffer_wants_nothing_until_a_batch_has_left) {
  LaneLimits small = small_limits();
  small.buffer_bytes = 1;
  Lane fresh = running(small);
  fresh.offer(records(0, 0), std::nullopt, kStart);
  EXPECT_FALSE(fresh.wants_records());
  EXPECT_EQ(fresh.pause_reason(), PauseReason::backpressure);
  ASSERT_TRUE(fresh.next_job(moment(kStart), {}));
  EXPECT_TRUE(fresh.wants_records());
}

TEST_F(LaneTest, published_rows_are_settled_together_before_the_next_page) {
  run();
  lane.offer(records(0, 0), std::nullopt, kStart);
  apply(true);
  hand_out(2);
  EXPECT_FALSE(lane.next_job(moment(kStart), {})) << "rows are in flight";
  lane.published(lane.generation(), 1, {}, kStart);
  lane.published(lane.generation(), 2, Failure(FailureKind::refused, "too large"), kStart);
  auto job = begin<SettleOutboxJob>();
  EXPECT_EQ(job.published, std::vector<std::int64_t>{1});
  ASSERT_EQ(job.refused.size(), 1U);
  EXPECT_EQ(job.refused[0].error, "too large");
  const Claim after{job.claim.token, job.claim.seq + 1};
  lane.finish_settle_outbox(std::move(job), after, kStart);
  EXPECT_EQ(lane.claim(), after);
  hand_out(0);
  EXPECT_TRUE(lane.outbox_quiet());
}

TEST_F(LaneTest, a_row_whose_answer_was_lost_is_read_again_after_a_while) {
  run();
  lane.offer(records(0, 0), std::nullopt, kStart);
  apply(true);
  hand_out(1);
  lane.published(lane.generation(), 1, Failure(FailureKind::unavailable, "timed out"), kStart);
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
  ASSERT_TRUE(wake(lane));
  begin<ReadOutboxJob>(*wake(lane));
}

TEST_F(LaneTest, a_settlement_that_failed_is_tried_again) {
  run();
  lane.offer(records(0, 0), std::nullopt, kStart);
  apply(true);
  hand_out(1);
  lane.published(lane.generation(), 1, {}, kStart);
  lane.finish_settle_outbox(begin<SettleOutboxJob>(), Failure(FailureKind::slow, "no"), kStart);
  EXPECT_EQ(begin<SettleOutboxJob>(*wake(lane)).published.size(), 1U);
}

TEST_F(LaneTest, a_page_read_after_an_outage_ends_the_pause) {
  run();
  lane.offer(records(0, 0), std::nullopt, kStart);
  apply(true);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(Failure(FailureKind::unavailable, "no"), kStart);
  EXPECT_EQ(lane.pause_reason(), PauseReason::database);
  begin<ReadOutboxJob>(*wake(lane));
  lane.finish_read_outbox(0, kStart);
  EXPECT_EQ(lane.pause_reason(), PauseReason::none);
}

TEST_F(LaneTest, a_lane_that_stops_still_announces_what_was_on_its_way) {
  auto state = taken(10, {0, 100}, 5);
  state.state.outbox_pending = true;
  take(std::move(state));
  hand_out(1);
  lane.place();
  lane.offer(records(9, 9, 6), std::nullopt, kStart);
  ASSERT_EQ(lane.phase(), LanePhase::stopped);
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped({}, kStart);
  begin<ReadOutboxJob>();
}

TEST_F(LaneTest, the_mark_of_a_stop_is_repeated_until_it_is_written) {
  take(taken(3, {4, 100}));
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped(Failure(FailureKind::unavailable, "no"), kStart);
  begin<MarkStoppedJob>(*wake(lane));
  const auto seq = lane.claim().seq;
  lane.finish_mark_stopped({}, kStart);
  EXPECT_EQ(lane.claim().seq, seq + 1);
}

TEST_F(LaneTest, when_the_database_is_back_it_waits_no_longer_unless_for_something_else) {
  take(taken(3, {4, 100}));
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped(Failure(FailureKind::unavailable, "no"), kStart);
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
  lane.database_is_back();
  begin<MarkStoppedJob>();
  lane.finish_mark_stopped(Failure(FailureKind::schema, "no"), kStart);
  lane.database_is_back();
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
}

TEST_F(LaneTest, a_fetch_position_out_of_range_makes_it_take_itself_again) {
  run();
  lane.partition_failed(Failure(FailureKind::unavailable, "broker away"), kStart);
  EXPECT_EQ(lane.phase(), LanePhase::running) << "the client goes on by itself";
  lane.partition_failed(Failure(FailureKind::position, "out of range"), kStart);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  EXPECT_FALSE(lane.next_job(moment(kStart), {})) << "not in a tight loop";
  begin<TakeJob>(*wake(lane));
}

TEST_F(LaneTest, a_claim_that_the_database_no_longer_shows_is_forgotten) {
  run();
  const Claim asked = lane.claim();
  lane.compare(asked, asked);
  EXPECT_EQ(lane.phase(), LanePhase::running);
  lane.compare(asked, Claim{asked.token, asked.seq - 1});
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  run();
  lane.compare(lane.claim(), std::nullopt);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
}

TEST_F(LaneTest, a_comparison_that_a_job_overtook_says_nothing) {
  run();
  const Claim asked = lane.claim();
  lane.offer(records(0, 0), std::nullopt, kStart);
  auto job = begin<ApplyJob>();
  lane.compare(asked, std::nullopt);
  EXPECT_EQ(lane.phase(), LanePhase::running) << "busy";
  auto done = committed(job);
  lane.finish_apply(std::move(job), std::move(done), kStart);
  lane.compare(asked, asked);
  EXPECT_EQ(lane.phase(), LanePhase::running) << "committed since";
}

}  // namespace
}  // namespace spool::delivery
