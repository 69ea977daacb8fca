// Elsewhere (Karafka's page on unexpected reprocessing, NServiceBus): attempts are counted in
// memory, so every restart and every further instance begins from one: an event that always fails
// is tried without end, or many times more often than was configured.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, each_owner_goes_on_with_the_attempts_of_the_last) {
  ScriptedWorld world("ledger", {10, 20, 30});
  const int failing = world.produce(ScriptedWorld::failing(1, 99));
  for (int owner = 0; owner < 12 && world.announced().empty(); ++owner) {
    SimWorker& worker = world.join();
    world.work(worker);
    world.pass(50);
    world.kill(worker);
  }
  world.join();
  world.rest();
  EXPECT_EQ(world.attempts_of(failing), 4) << "the ladder has three rungs";
  EXPECT_EQ(world.announced(), (std::vector<std::string>{"e1 0"}));
  EXPECT_TRUE(world.effects().empty());
}

// An attempt that nobody knows the end of is none.
TEST(Museum, an_owner_that_ends_in_the_middle_of_an_attempt_uses_none_up) {
  ScriptedWorld world("ledger", {10});
  const int failing = world.produce(ScriptedWorld::failing(1, 1));
  for (int owner = 0; owner < 2; ++owner) {
    SimWorker& worker = world.join();
    world.fetch(worker);
    ASSERT_TRUE(worker.pick_one());
    world.kill(worker);
  }
  world.join();
  world.rest();
  EXPECT_EQ(world.attempts_of(failing), 1);
  EXPECT_EQ(world.effects(), (std::vector<int>{failing}));
}

}  // namespace
}  // namespace spool::simulation
