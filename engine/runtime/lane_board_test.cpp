#include "engine/runtime/lane_board.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace spool::runtime {
namespace {

using delivery::Dispatcher;
using delivery::Work;

constexpr std::array<std::int32_t, 4> kPartitions = {0, 1, 2, 3};

delivery::TakeDone taken(std::int64_t next) {
  delivery::Taken taken;
  taken.state.next = next;
  taken.state.start = next;
  taken.bounds = {next, next};
  return {taken};
}

// Each lane's job goes to exactly one worker, and a closed board sends everybody home.
TEST(LaneBoard, GivesEachJobToOneWorker) {
  const DatabaseClock clock;
  LaneBoard board({{"h", {}}}, {}, clock);
  std::array<std::atomic<int>, kPartitions.size()> takes{};
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      while (auto work = board.wait_for_work()) {
        ++takes[static_cast<std::size_t>(work->lane.partition)];
        board.with([&](Dispatcher& lanes) {
          return lanes.finish(std::move(*work), taken(7), LaneBoard::now()).publish.has_value();
        });
        board.wake_one();
      }
    });
  }
  board.with([](Dispatcher& lanes) { lanes.assign("h", kPartitions); });
  board.wake_all();
  const auto all_taken = [&] {
    return board.with([](Dispatcher& lanes) {
      int taken_lanes = 0;
      lanes.for_each([&](const delivery::Lane& lane) {
        taken_lanes += lane.phase() == delivery::LanePhase::unplaced ? 1 : 0;
      });
      return taken_lanes == static_cast<int>(kPartitions.size());
    });
  };
  while (!all_taken()) std::this_thread::yield();
  board.close();
  for (std::thread& worker : workers) worker.join();
  for (const auto& count : takes) EXPECT_EQ(count, 1);
}

// A lane that waits for its backoff is found by time alone.
TEST(LaneBoard, WakesForABackoff) {
  delivery::LaneLimits limits;
  limits.wait_first = std::chrono::milliseconds(2);
  const DatabaseClock clock;
  LaneBoard board({{"h", {limits, {}}}}, {}, clock);
  board.with([](Dispatcher& lanes) { lanes.assign("h", std::array<std::int32_t, 1>{0}); });
  auto first = board.wait_for_work();
  ASSERT_TRUE(first);
  const auto failed_at = LaneBoard::now();
  board.with([&](Dispatcher& lanes) {
    const base::Failure away(base::FailureKind::unavailable, "away");
    return lanes.finish(std::move(*first), delivery::TakeDone{away}, failed_at).publish.has_value();
  });
  ASSERT_TRUE(board.wait_for_work());
  EXPECT_GE(LaneBoard::now(), failed_at + limits.wait_first);
}

}  // namespace
}  // namespace spool::runtime
