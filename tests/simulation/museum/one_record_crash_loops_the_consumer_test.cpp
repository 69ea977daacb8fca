// Elsewhere (snuba#5509, Sidekiq #4633 and #3400): one record ends the process that reads it; it is
// delivered again to the next, and nothing behind it is ever reached.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, an_event_that_ends_its_process_is_buried_and_the_others_go_on) {
  ScriptedWorld world("inbox");
  std::vector<int> healthy{world.produce(ScriptedWorld::healthy(1))};
  Plan plan = ScriptedWorld::healthy(2);
  plan.nature = Nature::kills_early;
  plan.heals = 1;
  const int deadly = world.produce(plan);
  for (int key = 1; key <= 3; ++key) healthy.push_back(world.produce(ScriptedWorld::healthy(key)));
  SimWorker& worker = world.join();
  world.work(worker);
  world.rest();
  EXPECT_EQ(world.effects(), healthy);
  ASSERT_NE(world.letter_of("e2"), nullptr);
  EXPECT_EQ(world.letter_of("e2")->type, message::ErrorType::handler_crash);
  EXPECT_EQ((world.tables().ends_alone[{deadly, 0}]), delivery::kEndsToDie);

  // A release that mends it, and a replay.
  world.operators().ask("inbox", delivery::CommandKind::replay);
  world.rest();
  EXPECT_EQ(world.effects().back(), deadly);
}

}  // namespace
}  // namespace spool::simulation
