// The story: a service says when it wants to be asked again. Its word goes before the ladder, be it
// longer or shorter, and nobody asks before.
#include <gtest/gtest.h>

#include <map>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

void expect_never_early(const History& history) {
  std::map<EventName, std::int64_t> not_before;
  for (const Attempted& attempted : history.attempted)
    not_before[attempted.name] = attempted.not_before_us;
  for (const Effect& effect : history.effects) {
    ASSERT_GT(not_before[effect.name], 0) << effect.name.second;
    EXPECT_GE(effect.attempted_us, not_before[effect.name]) << effect.name.second;
  }
}

TEST(RetryAfter, ShorterThanTheLadder) {
  // Whoever went by the ladder would not see the end of this test.
  DrillStage stage({.delays = {10min}});
  stage.publish({{.id = "e-1", .fail = 1, .after_ms = 30}});
  stage.start_worker();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  ASSERT_EQ(stage.applied(), 1) << stage.logs();
  expect_never_early(stage.history({}));
}

TEST(RetryAfter, LongerThanTheLadder) {
  DrillStage stage({.delays = {20ms}});
  std::vector<DrillEvent> events;
  for (int i = 0; i < 40; ++i)
    events.push_back({.id = "e-" + std::to_string(i),
                      .key = "k" + std::to_string(i),
                      .fail = 1,
                      .after_ms = 400 + 20 * (i * 7 % 40)});
  stage.publish(events);
  stage.start_worker();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  ASSERT_EQ(stage.applied(), 40) << stage.logs();
  expect_never_early(stage.history({}));
  EXPECT_EQ(stage.read(stage.retry_topic(0)).size(), 40U)
      << "the longest rung that is not above the wait carries it";
}

}  // namespace
}  // namespace spool::test
