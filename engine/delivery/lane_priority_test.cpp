// A lane whose handler performs gives out the heads of higher priority first, but for every tenth,
// which it counts from job to job.
#include <gtest/gtest.h>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using test::committed;
using test::kDatabase;
using test::kStart;
using test::taken;

constexpr int kHeads = 30;

class LanePriorityTest : public test::LaneTest {
 protected:
  // Head 1 is the oldest and has the lowest priority, the others are due at once.
  LanePriorityTest() {
    LaneLimits limits = test::small_limits();
    limits.performs = true;
    lane = Lane{LaneId{"handler", 0}, limits};
    Taken state = taken(0, {0, 100});
    for (int number = 1; number <= kHeads; ++number) {
      Held head{1, number, number == 1 ? kDatabase - 1 : kDatabase, false};
      head.priority = number == 1 ? 0 : 9;
      state.state.open.keys.push_back({key(number), head});
    }
    state.state.open.next_number = kHeads + 1;
    state.state.start = -kHeads;
    state.state.counters.open = kHeads;
    take(std::move(state));
    lane.place();
  }
  static KeyHash key(std::int64_t number) { return hash_kafka_key(std::to_string(number)); }

  // The heads of the next job, which end in it.
  std::vector<std::int64_t> give_out(std::size_t calls) {
    auto job = begin<CallsJob>(kStart, {.calls = calls});
    Committed done = committed(job.footing);
    std::vector<std::int64_t> numbers;
    for (const HeadRef& head : job.heads) {
      numbers.push_back(head.number);
      done.open.keys.push_back({head.key, {}});
    }
    lane.finish_calls(std::move(job), std::move(done), kStart);
    return numbers;
  }
};

using Numbers = std::vector<std::int64_t>;

TEST_F(LanePriorityTest, one_call_at_a_time_the_lowest_has_the_tenth_turn) {
  for (std::int64_t turn = 1; turn <= 9; ++turn) EXPECT_EQ(give_out(1), Numbers{turn + 1});
  EXPECT_EQ(give_out(1), Numbers{1});
  EXPECT_EQ(give_out(1), Numbers{11});
}

TEST_F(LanePriorityTest, jobs_of_several_are_counted_together) {
  EXPECT_EQ(give_out(8), (Numbers{2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(give_out(3), (Numbers{10, 1, 11}));
}

}  // namespace
}  // namespace spool::delivery
