// Elsewhere (Spring Kafka #4371): a batch that goes well resets the failure counter of its
// partition, so a poisonous record among healthy traffic never reaches the dead letters.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, healthy_events_between_the_attempts_change_no_count) {
  ScriptedWorld world("inbox", {10, 20});
  const int failing = world.produce(ScriptedWorld::failing(1, 99));
  SimWorker& worker = world.join();
  std::vector<int> healthy;
  for (int i = 0; i < 10; ++i) {
    healthy.push_back(world.produce(ScriptedWorld::healthy(2)));
    world.work(worker);
    world.pass(7);
  }
  world.rest();
  EXPECT_EQ(world.attempts_of(failing), 3);
  EXPECT_EQ(world.announced(), (std::vector<std::string>{"e1 0"}));
  EXPECT_EQ(world.effects(), healthy);
}

}  // namespace
}  // namespace spool::simulation
