// Services that handlers need: who may ask them while they are in doubt, and who judges them.
#include <gtest/gtest.h>

#include <array>

#include "engine/delivery/dispatcher.hpp"
#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using test::kStart;
using test::moment;

constexpr std::array<std::int32_t, 3> kThree{0, 1, 2};

BreakerSettings settings() {
  BreakerSettings settings;
  settings.failures = 1;
  settings.open_for = std::chrono::seconds(30);
  return settings;
}

class DispatcherBreakerTest : public testing::Test {
 protected:
  DispatcherBreakerTest() {
    for (const char* handler : {"needs", "free"}) {
      dispatcher.assign(handler, kThree);
      while (auto work = dispatcher.next_work(moment(kStart)))
        dispatcher.finish(std::move(*work), TakeDone{test::taken(0, {0, 100})}, kStart);
      dispatcher.placement(handler, kStart, {});
    }
  }

  void offer(const std::string& handler, std::int32_t partition, std::int64_t first,
             std::int64_t last) {
    dispatcher.find({handler, partition})
        ->offer(test::records(first, last), std::nullopt, dispatched_);
  }

  std::optional<Work> next(Instant now) {
    dispatched_ = now;
    return dispatcher.next_work(moment(now));
  }

  // Of `records` attempts, `asked` came as far as apply() and `failures` blame the service.
  void finish(Work work, std::int64_t records, std::size_t failures, std::size_t asked,
              Instant now) {
    RunDone done{test::committed(std::get<ApplyJob>(work.job)), {}};
    done.statistics.records = records;
    done.statistics.asked = asked;
    done.statistics.dependencies_failed.assign(failures, "tmdb");
    dispatcher.finish(std::move(work), std::move(done), now);
  }

  void open_breaker() {
    offer("needs", 0, 0, 3);
    finish(*next(kStart), 4, 4, 4, kStart);
    ASSERT_EQ(state(kStart), BreakerState::open);
  }

  BreakerState state(Instant now) { return dispatcher.breakers().find("tmdb")->state(now); }

  Dispatcher dispatcher{{{"needs", {{}, {"tmdb"}}}, {"free", {}}}, settings()};
  Instant dispatched_ = kStart;
  Instant later_ = kStart + std::chrono::seconds(30);
};

TEST_F(DispatcherBreakerTest, an_outage_holds_the_lanes_that_need_the_service_and_no_others) {
  open_breaker();
  offer("needs", 1, 0, 0);
  offer("free", 1, 0, 0);
  const auto work = next(kStart);
  ASSERT_TRUE(work);
  EXPECT_EQ(work->lane, (LaneId{"free", 1}));
  EXPECT_FALSE(next(kStart));
  EXPECT_EQ(dispatcher.find({"needs", 1})->pause_reason(), PauseReason::circuit);
  EXPECT_EQ(dispatcher.wake_at(moment(kStart)), later_);
}

TEST_F(DispatcherBreakerTest, a_batch_that_finds_it_away_counts_with_each_of_its_events) {
  BreakerSettings patient = settings();
  patient.failures = 5;
  dispatcher = Dispatcher({{"needs", {{}, {"tmdb"}}}}, patient);
  dispatcher.assign("needs", kThree);
  while (auto work = dispatcher.next_work(moment(kStart)))
    dispatcher.finish(std::move(*work), TakeDone{test::taken(0, {0, 100})}, kStart);
  dispatcher.placement("needs", kStart, {});
  offer("needs", 0, 0, 3);
  finish(*next(kStart), 4, 4, 4, kStart);
  EXPECT_EQ(state(kStart), BreakerState::closed);
  offer("needs", 1, 0, 0);
  finish(*next(kStart), 1, 1, 1, kStart);
  EXPECT_EQ(state(kStart), BreakerState::open);
}

TEST_F(DispatcherBreakerTest, one_event_of_one_lane_finds_out_whether_it_is_back) {
  open_breaker();
  offer("needs", 1, 0, 9);
  offer("needs", 2, 0, 9);
  auto probe = next(later_);
  ASSERT_TRUE(probe);
  EXPECT_EQ(std::get<ApplyJob>(probe->job).footing.events_max, 1U);
  EXPECT_FALSE(next(later_)) << "the others wait for the answer";
  Committed one = test::committed(std::get<ApplyJob>(probe->job));
  one.advance.to = one.advance.from + 1;
  one.advance.delta.applied = 1;
  RunDone done{one, {}};
  done.statistics.records = 1;
  done.statistics.asked = 1;
  dispatcher.finish(std::move(*probe), std::move(done), later_);
  EXPECT_EQ(state(later_), BreakerState::closed);
  const auto work = next(later_);
  ASSERT_TRUE(work);
  EXPECT_GT(std::get<ApplyJob>(work->job).footing.events_max, 1U);
}

TEST_F(DispatcherBreakerTest, a_probe_that_fails_shuts_it_for_longer) {
  open_breaker();
  offer("needs", 1, 0, 0);
  finish(*next(later_), 1, 1, 1, later_);
  EXPECT_EQ(state(later_), BreakerState::open);
  EXPECT_FALSE(next(later_));
  EXPECT_EQ(dispatcher.wake_at(moment(later_)), later_ + std::chrono::seconds(60));
}

TEST_F(DispatcherBreakerTest, a_service_is_judged_by_the_greater_part_of_a_batch) {
  offer("needs", 0, 0, 3);
  finish(*next(kStart), 4, 1, 4, kStart);
  EXPECT_EQ(state(kStart), BreakerState::closed);
  offer("needs", 0, 4, 7);
  finish(*next(kStart), 4, 2, 4, kStart);
  EXPECT_EQ(state(kStart), BreakerState::open);
}

TEST_F(DispatcherBreakerTest, a_batch_that_did_not_commit_says_nothing_about_the_service) {
  open_breaker();
  offer("needs", 1, 0, 0);
  auto probe = next(later_);
  ASSERT_TRUE(probe);
  RunDone failed{Failure(FailureKind::unavailable, "no database"), {}};
  failed.statistics.records = 1;
  failed.statistics.dependencies_failed = {"tmdb"};
  dispatcher.finish(std::move(*probe), std::move(failed), later_);
  EXPECT_EQ(state(later_), BreakerState::half_open);
  offer("needs", 2, 0, 0);
  EXPECT_TRUE(next(later_)) << "the next one probes";
}

// It never came to ask.
TEST_F(DispatcherBreakerTest, a_probe_that_was_rejected_before_it_ran_proves_nothing) {
  open_breaker();
  offer("needs", 1, 0, 0);
  finish(*next(later_), 1, 0, 0, later_);
  EXPECT_EQ(state(later_), BreakerState::half_open);
}

TEST_F(DispatcherBreakerTest, suspects_run_alone_in_the_process) {
  Taken suspicious = test::taken(0, {0, 100});
  suspicious.state.suspicion.log_together = 2;
  suspicious.state.suspicion.log_until = 4;
  dispatcher.find({"free", 0})->forget("its owner died");
  auto take = next(kStart);
  ASSERT_TRUE(take && std::holds_alternative<TakeJob>(take->job));
  dispatcher.finish(std::move(*take), TakeDone{suspicious}, kStart);
  dispatcher.placement("free", kStart, {});

  offer("free", 1, 0, 3);
  auto others = next(kStart);
  ASSERT_TRUE(others);
  offer("free", 0, 0, 3);
  offer("free", 2, 0, 3);
  EXPECT_FALSE(next(kStart)) << "suspects wait for what runs, and what could run for suspects";
  finish(std::move(*others), 4, 0, 4, kStart);
  auto marked = next(kStart);
  ASSERT_TRUE(marked);
  EXPECT_EQ(marked->lane, (LaneId{"free", 0}));
  EXPECT_EQ(std::get<ApplyJob>(marked->job).footing.events_max, 2U);
  EXPECT_FALSE(next(kStart));
  Committed cleared = test::committed(std::get<ApplyJob>(marked->job));
  cleared.suspicion = {};
  dispatcher.finish(std::move(*marked), RunDone{cleared, {}}, kStart);
  EXPECT_TRUE(next(kStart));
}

}  // namespace
}  // namespace spool::delivery
