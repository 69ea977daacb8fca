// Elsewhere (Karafka 2.6.0 and karafka#2578): a message for the future is dispatched twice, or
// skipped until the process is restarted.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, a_scheduled_event_runs_once_when_it_is_due_whoever_owns_it_then) {
  ScriptedWorld world("inbox");
  Plan plan = ScriptedWorld::healthy(1);
  plan.due = world.scene().database.time + 60'000'000;
  const int scheduled = world.produce(plan);
  world.produce_copy(0);
  const int meanwhile = world.produce(ScriptedWorld::healthy(1));
  SimWorker& first = world.join();
  world.work(first);
  EXPECT_EQ(world.effects(), (std::vector<int>{meanwhile})) << "it holds nobody up";
  world.kill(first);

  SimWorker& second = world.join();
  world.work(second);
  const auto wake = second.wake_at();
  ASSERT_TRUE(wake);
  world.pass(59'000);
  world.work(second);
  EXPECT_EQ(world.effects().size(), 1U);
  world.pass(1'000);
  world.work(second);
  EXPECT_EQ(world.effects(), (std::vector<int>{meanwhile, scheduled}));
  world.rest();
  EXPECT_EQ(world.effects().size(), 2U) << "the copy was one";
}

}  // namespace
}  // namespace spool::simulation
