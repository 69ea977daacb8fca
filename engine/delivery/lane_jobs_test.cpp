// Which job a lane asks for when there are several: what is due, what is new, what operators want,
// and what holds it up.
#include <gtest/gtest.h>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::committed;
using test::kDatabase;
using test::kStart;
using test::moment;
using test::records;
using test::taken;
using test::wake;

constexpr base::EpochMicros kSecond = 1'000'000;

class LaneJobsTest : public test::LaneTest {
 protected:
  // A lane that was taken with this head, behind which `parked` wait.
  Taken with_head(base::EpochMicros due, std::int64_t parked = 0) {
    Taken state = taken(0, {0, 100});
    state.state.open.keys.push_back({hash_kafka_key("k"), {1 + parked, 1, due, false}});
    state.state.open.next_number = 2 + parked;
    state.state.open.bytes = 100;
    state.state.start = -1 - parked;
    state.state.counters.open = 1 + parked;
    return state;
  }

  void run_with_head(base::EpochMicros due, std::int64_t parked = 0) {
    take(with_head(due, parked));
    lane.place();
  }

  // The head goes, and its key with it.
  Committed drained(const DrainJob& job) {
    Committed done = committed(job.footing);
    done.advance.delta.open = -1;
    done.advance.delta.applied = 1;
    done.open.keys.push_back({hash_kafka_key("k"), {}});
    done.open.bytes = -100;
    done.survived = 1;
    return done;
  }

  // The head stays, due again.
  Committed failed_again(const DrainJob& job, base::EpochMicros due) {
    Committed done = committed(job.footing);
    done.open.keys.push_back({hash_kafka_key("k"), {1, 1, due, false}});
    return done;
  }

  bool idle(Instant now = kStart, const Gate& gate = {}) {
    return !lane.next_job(moment(now), gate);
  }
};

TEST_F(LaneJobsTest, a_head_runs_when_its_time_has_come_on_the_databases_clock) {
  run_with_head(kDatabase + 30 * kSecond);
  EXPECT_TRUE(idle());
  EXPECT_EQ(wake(lane), kStart + seconds(30));
  EXPECT_TRUE(idle(kStart + seconds(30) - milliseconds(1)));
  const auto job = begin<DrainJob>(kStart + seconds(30));
  ASSERT_EQ(job.heads.size(), 1U);
  EXPECT_EQ(job.heads[0].number, 1);
  EXPECT_EQ(job.footing.next_number, 2);
  lane.finish_drain(drained(job), kStart);
  EXPECT_EQ(lane.held_keys(), 0U);
  EXPECT_EQ(lane.open_bytes(), 0);
  EXPECT_EQ(lane.counters().open, 0);
  EXPECT_TRUE(idle(kStart + seconds(60)));
  EXPECT_FALSE(wake(lane));
}

TEST_F(LaneJobsTest, heads_run_before_the_lane_is_placed) {
  take(with_head(kDatabase));
  ASSERT_EQ(lane.phase(), LanePhase::unplaced);
  begin<DrainJob>();
}

TEST_F(LaneJobsTest, drains_and_batches_take_turns) {
  run_with_head(kDatabase);
  lane.offer(records(0, 0), std::nullopt, kStart);
  lane.offer(records(1, 1), std::nullopt, kStart);
  for (int turn = 0; turn < 2; ++turn) {
    const auto drain = begin<DrainJob>();
    lane.finish_drain(failed_again(drain, kDatabase), kStart);
    auto job = begin<ApplyJob>();
    auto done = committed(job);
    if (turn == 0) {
      job.slices.resize(1);
      done = committed(job);
    }
    lane.finish_apply(std::move(job), done, kStart);
    if (turn == 0) lane.offer(records(2, 2), std::nullopt, kStart);
  }
}

TEST_F(LaneJobsTest, without_anything_new_drains_follow_each_other) {
  run_with_head(kDatabase);
  for (int i = 0; i < 3; ++i) {
    const auto drain = begin<DrainJob>();
    lane.finish_drain(failed_again(drain, kDatabase), kStart);
  }
}

TEST_F(LaneJobsTest, heads_that_come_due_soon_after_a_drain_go_together) {
  LaneLimits limits = test::small_limits();
  limits.gather = std::chrono::milliseconds(10);
  lane = Lane(LaneId{"handler", 0}, limits);
  run_with_head(kDatabase);
  const auto drain = begin<DrainJob>();
  lane.finish_drain(failed_again(drain, kDatabase), kStart);
  EXPECT_FALSE(lane.next_job(moment(kStart + std::chrono::milliseconds(9)), {}));
  EXPECT_EQ(wake(lane), kStart + std::chrono::milliseconds(10));
  begin<DrainJob>(kStart + std::chrono::milliseconds(10));
}

TEST_F(LaneJobsTest, records_that_come_soon_after_a_durable_commit_go_together) {
  LaneLimits limits = test::small_limits();
  limits.gather = std::chrono::milliseconds(10);
  lane = Lane(LaneId{"handler", 0}, limits);
  run();
  const auto apply = [this](std::int64_t offset, bool outbox) {
    lane.offer(records(offset, offset), std::nullopt, kStart);
    auto job = begin<ApplyJob>();
    const auto done = committed(job, outbox);
    lane.finish_apply(std::move(job), done, kStart);
  };
  apply(0, false);
  apply(1, true);
  begin<ReadOutboxJob>();
  lane.finish_read_outbox(0, kStart);
  lane.offer(records(2, 2), std::nullopt, kStart);
  EXPECT_FALSE(lane.next_job(moment(kStart), {}));
  EXPECT_EQ(wake(lane), kStart + limits.gather);
  begin<ApplyJob>(kStart + limits.gather);
}

TEST_F(LaneJobsTest, a_drain_that_fails_is_tried_again_and_holds_back_nothing_in_memory) {
  run_with_head(kDatabase);
  const auto drain = begin<DrainJob>();
  lane.finish_drain(Failure(FailureKind::unavailable, "no"), kStart);
  EXPECT_EQ(lane.held_keys(), 1U);
  EXPECT_EQ(lane.pause_reason(), PauseReason::database);
  EXPECT_TRUE(idle());
  begin<DrainJob>(*wake(lane));
}

TEST_F(LaneJobsTest, a_shut_gate_stops_events_and_nothing_else) {
  Taken state = with_head(kDatabase);
  state.state.outbox_pending = true;
  take(std::move(state));
  lane.place();
  lane.offer(records(0, 0), std::nullopt, kStart);
  const Gate shut{.shut = true};
  begin<ReadOutboxJob>(kStart, shut);
  lane.finish_read_outbox(0, kStart);
  lane.companion_read("retry", 5, {});
  const auto companions = begin<CompanionsJob>(kStart, shut);
  lane.finish_companions(companions, committed(companions.footing), kStart);
  EXPECT_TRUE(idle(kStart, shut));
  EXPECT_EQ(lane.pause_reason(), PauseReason::circuit);
  EXPECT_FALSE(wake(lane)) << "the gate's owner knows when it opens";
  EXPECT_EQ(begin<DrainJob>(kStart, {.probe = true}).footing.events_max, 1U);
}

TEST_F(LaneJobsTest, deaths_that_come_too_thick_shut_the_valve_and_a_few_events_try_it_later) {
  LaneLimits limits = test::small_limits();
  limits.valve.streak = 3;
  limits.valve.probe = 2;
  Lane fresh = test::running(limits);
  fresh.offer(records(0, 2), std::nullopt, kStart);
  auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
  EXPECT_EQ(job.footing.deaths_max, 3);
  Committed done = committed(job);
  done.deaths = 3;
  done.survived = 0;
  fresh.finish_apply(std::move(job), done, kStart);
  fresh.offer(records(3, 9), std::nullopt, kStart);
  EXPECT_FALSE(fresh.next_job(moment(kStart), {}));
  EXPECT_EQ(fresh.pause_reason(), PauseReason::dead_letters);
  EXPECT_EQ(wake(fresh), kStart + seconds(30));
  const auto trial = std::get<ApplyJob>(*fresh.next_job(moment(kStart + seconds(30)), {}));
  EXPECT_EQ(trial.footing.events_max, 2U);
}

TEST_F(LaneJobsTest, without_room_nothing_new_runs_until_a_commit_made_some) {
  run_with_head(kDatabase + kSecond);
  lane.offer(records(0, 1), std::nullopt, kStart);
  auto job = begin<ApplyJob>();
  Committed none = committed(job.footing);
  --none.claim.seq;
  none.no_room = true;
  lane.finish_apply(std::move(job), none, kStart);
  EXPECT_EQ(lane.buffered_records(), 2U);
  EXPECT_TRUE(idle());
  EXPECT_FALSE(lane.wants_records());
  EXPECT_EQ(lane.pause_reason(), PauseReason::backpressure);
  const Instant later = *wake(lane);
  EXPECT_EQ(later, kStart + seconds(1));
  const auto drain = begin<DrainJob>(later);
  lane.finish_drain(drained(drain), later);
  EXPECT_EQ(begin<ApplyJob>(later).to(), 2);
}

TEST_F(LaneJobsTest, the_footing_says_how_much_more_may_be_held) {
  LaneLimits limits = test::small_limits();
  limits.open_events_max = 10;
  limits.open_bytes_max = 1'000;
  limits.key_events_max = 4;
  Lane fresh(LaneId{"handler", 0}, limits);
  ASSERT_TRUE(fresh.next_job(moment(kStart), {}));
  fresh.finish_take(with_head(kDatabase, 2), kStart);
  fresh.place();
  const auto job = std::get<DrainJob>(*fresh.next_job(moment(kStart), {}));
  EXPECT_EQ(job.footing.room.events, 7);
  EXPECT_EQ(job.footing.room.bytes, 900);
  EXPECT_EQ(job.footing.room.of_a_key, 4);
}

TEST_F(LaneJobsTest, what_a_batch_did_not_get_to_comes_next) {
  run();
  lane.offer(records(0, 3), std::nullopt, kStart);
  auto job = begin<ApplyJob>();
  Committed half = committed(job.footing);
  half.advance.to = 2;
  half.advance.delta.applied = 2;
  lane.finish_apply(std::move(job), half, kStart);
  EXPECT_EQ(lane.next(), 2);
  const auto rest = begin<ApplyJob>();
  EXPECT_EQ(rest.footing.next, 2);
  EXPECT_EQ(rest.to(), 4);
}

TEST_F(LaneJobsTest, scheduled_events_wake_it_when_they_are_due) {
  Taken state = taken(0, {0, 100});
  state.state.open.next_scheduled = kDatabase + 5 * kSecond;
  take(std::move(state));
  lane.place();
  EXPECT_TRUE(idle());
  EXPECT_EQ(wake(lane), kStart + seconds(5));
  const auto job = begin<AwakenJob>(kStart + seconds(5));
  Committed done = committed(job.footing);
  done.open.scheduled_known = true;
  done.open.next_scheduled = kDatabase + 9 * kSecond;
  lane.finish_awaken(done, kStart);
  EXPECT_EQ(wake(lane), kStart + seconds(9));
}

TEST_F(LaneJobsTest, a_batch_that_schedules_something_sooner_moves_the_alarm_forward_only) {
  run();
  for (const std::int64_t due : {8, 3, 6}) {
    lane.offer(records(lane.next(), lane.next()), std::nullopt, kStart);
    auto job = begin<ApplyJob>();
    Committed done = committed(job);
    done.open.next_scheduled = kDatabase + due * kSecond;
    lane.finish_apply(std::move(job), done, kStart);
  }
  EXPECT_EQ(wake(lane), kStart + seconds(3));
}

TEST_F(LaneJobsTest, companions_are_remembered_once_a_while_but_requests_are_answered_at_once) {
  run();
  lane.companion_read("retry.30s", 10, {});
  auto first = begin<CompanionsJob>();
  EXPECT_EQ(first.next.at("retry.30s"), 10);
  lane.companion_read("retry.30s", 11, {});
  const Committed done = committed(first.footing);
  lane.finish_companions(std::move(first), done, kStart);
  EXPECT_TRUE(idle());
  EXPECT_EQ(wake(lane), kStart + seconds(1));
  lane.companion_read("retry.60s", 7, {{"/test", "1", 0}});
  auto second = begin<CompanionsJob>();
  EXPECT_EQ(second.next.size(), 2U);
  EXPECT_EQ(second.requests.size(), 1U);
  lane.companion_read("retry.60s", 8, {});
  lane.finish_companions(std::move(second), Failure(FailureKind::unavailable, "no"), kStart);
  const auto again = begin<CompanionsJob>(*wake(lane));
  EXPECT_EQ(again.next.at("retry.30s"), 11);
  EXPECT_EQ(again.next.at("retry.60s"), 8) << "the newer of the two";
  EXPECT_EQ(again.requests.size(), 1U);
  EXPECT_EQ(lane.companions().at("retry.60s"), 8);
}

Command command(const char* name, std::int64_t rate = 0) {
  return {base::name_uuid("command", name), CommandKind::replay, rate};
}

TEST_F(LaneJobsTest, commands_take_turns_page_by_page_until_they_are_over) {
  run();
  lane.set_commands({command("a"), command("b")});
  std::vector<base::Uuid> order;
  for (const bool more : {true, true, false, false}) {
    const auto job = begin<CommandJob>();
    order.push_back(job.command.id);
    Committed done = committed(job.footing);
    done.more = more;
    lane.finish_command(job, done, kStart);
  }
  EXPECT_EQ(order,
            (std::vector{command("a").id, command("b").id, command("a").id, command("b").id}));
  EXPECT_TRUE(idle());
  EXPECT_EQ(lane.commands_waiting(), 0U);
}

TEST_F(LaneJobsTest, a_command_goes_no_faster_than_it_was_asked_to) {
  run();
  lane.set_commands({command("a", 50)});
  const auto job = begin<CommandJob>();
  EXPECT_EQ(job.page_max, 5U) << "of a tenth of a second";
  Committed done = committed(job.footing);
  done.more = true;
  done.targeted = 5;
  lane.finish_command(job, done, kStart);
  EXPECT_TRUE(idle());
  EXPECT_EQ(wake(lane), kStart + milliseconds(100));
  lane.offer(records(0, 0), std::nullopt, kStart);
  apply();
  begin<CommandJob>(kStart + milliseconds(100));
}

TEST_F(LaneJobsTest, a_command_that_fails_is_carried_out_again_and_one_that_is_gone_is_not) {
  run();
  lane.set_commands({command("a")});
  lane.finish_command(begin<CommandJob>(), Failure(FailureKind::unavailable, "no"), kStart);
  EXPECT_EQ(lane.commands_waiting(), 1U);
  EXPECT_TRUE(idle());
  lane.set_commands({});
  EXPECT_TRUE(idle(kStart + seconds(9)));
}

TEST_F(LaneJobsTest, suspects_run_few_at_a_time) {
  Taken state = with_head(kDatabase, 3);
  state.state.suspicion.log_together = 2;
  state.state.suspicion.log_until = 9;
  state.state.suspicion.open_together = 1;
  take(std::move(state));
  lane.place();
  EXPECT_TRUE(lane.runs_suspects(moment(kStart)));
  lane.offer(records(0, 8), std::nullopt, kStart);
  const auto drain = begin<DrainJob>();
  EXPECT_EQ(drain.footing.events_max, 1U);
  EXPECT_EQ(drain.heads.size(), 1U);
  lane.finish_drain(failed_again(drain, kDatabase), kStart);
  EXPECT_EQ(begin<ApplyJob>().footing.events_max, 2U);
}

TEST_F(LaneJobsTest, a_slow_event_is_to_blame_only_alone_and_only_when_others_get_through) {
  LaneLimits limits = test::small_limits();
  limits.batch_events_max = 2;
  Lane slow = test::running(limits);
  slow.offer(records(0, 1), std::nullopt, kStart);
  Instant now = kStart;
  const auto attempt = [&](std::uint64_t commits) {
    auto job = std::get<ApplyJob>(*slow.next_job(moment(now), {.commits = commits}));
    const bool blamed = job.footing.blame_slow;
    slow.finish_apply(std::move(job), Failure(FailureKind::slow, "statement timeout"), now);
    now = *wake(slow, now);
    return blamed;
  };
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(attempt(7)) << "nobody else commits either";
  EXPECT_TRUE(attempt(8));
  int attempts = 6;
  do ASSERT_LT(++attempts, 100) << "with nobody to compare with it takes longer";
  while (!attempt(7));
  EXPECT_GT(attempts, 10);
}

TEST_F(LaneJobsTest, a_slow_batch_is_halved_from_its_own_size_on) {
  Lane slow = test::running(test::small_limits());
  slow.offer(records(0, 7), std::nullopt, kStart);
  Instant now = kStart;
  std::vector<std::size_t> limits;
  for (int i = 0; i < 6; ++i) {
    auto job = std::get<ApplyJob>(*slow.next_job(moment(now), {}));
    limits.push_back(job.footing.events_max);
    slow.finish_apply(std::move(job), Failure(FailureKind::slow, "statement timeout"), now);
    now = *wake(slow, now);
  }
  EXPECT_EQ(limits, (std::vector<std::size_t>{10'000, 10'000, 10'000, 4, 2, 1}));
}

TEST_F(LaneJobsTest, a_batch_is_no_longer_than_a_drain_when_a_head_is_due_soon) {
  take(with_head(kDatabase + 100'000, 1));
  lane.place();
  lane.offer(records(0, 8), std::nullopt, kStart);
  EXPECT_EQ(begin<ApplyJob>().footing.events_max, LaneLimits{}.drain_events_max);
}

TEST_F(LaneJobsTest, no_event_is_blamed_for_a_slow_batch_before_it_runs_alone) {
  LaneLimits limits = test::small_limits();
  limits.batch_events_max = 64;
  Lane slow = test::running(limits);
  slow.offer(records(0, 63), std::nullopt, kStart);
  Instant now = kStart;
  std::size_t events = 64;
  for (std::uint64_t commits = 1; events > 1; ++commits) {
    auto job = std::get<ApplyJob>(*slow.next_job(moment(now), {.commits = commits}));
    events = job.footing.events_max;
    EXPECT_EQ(job.footing.blame_slow, events == 1) << events;
    slow.finish_apply(std::move(job), Failure(FailureKind::slow, "statement timeout"), now);
    now = *wake(slow, now);
    ASSERT_LT(commits, 20U);
  }
}

TEST_F(LaneJobsTest, a_lane_lets_go_once_and_only_of_what_it_has) {
  EXPECT_FALSE(lane.last_job(moment(kStart)));
  EXPECT_TRUE(lane.let_go());
  Lane fresh = test::running({});
  fresh.offer(records(0, 0), std::nullopt, kStart);
  auto job = std::get<ApplyJob>(*fresh.next_job(moment(kStart), {}));
  EXPECT_FALSE(fresh.last_job(moment(kStart))) << "busy";
  fresh.finish_apply(std::move(job), Failure(FailureKind::unavailable, "no"), kStart);
  const auto last = fresh.last_job(moment(kStart));
  ASSERT_TRUE(last) << "no backoff holds that up";
  EXPECT_EQ(std::get<LetGoJob>(*last).claim, fresh.claim());
  fresh.finish_let_go();
  EXPECT_TRUE(fresh.let_go());
  EXPECT_FALSE(fresh.last_job(moment(kStart)));
}

TEST_F(LaneJobsTest, a_drain_of_a_forgotten_life_changes_nothing) {
  run_with_head(kDatabase);
  const auto drain = begin<DrainJob>();
  lane.set_commands({command("a")});
  lane.companion_read("retry", 3, {});
  lane.forget("lost");
  EXPECT_EQ(drain.footing.held->size(), 1U) << "the job still reads what it was given";
  EXPECT_EQ(lane.held_keys(), 0U);
  EXPECT_EQ(lane.commands_waiting(), 0U);
  EXPECT_TRUE(lane.companions().empty());
  lane.finish_drain(drained(drain), kStart);
  EXPECT_EQ(lane.phase(), LanePhase::untaken);
  EXPECT_EQ(lane.open_bytes(), 0);
  begin<TakeJob>();
}

}  // namespace
}  // namespace spool::delivery
