// Elsewhere (Spring Kafka #4504): two records of one partition fail asynchronously; the later one's
// seek wins, and the earlier is lost without a word.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, two_failures_of_one_batch_are_both_tried_again) {
  ScriptedWorld world("ledger");
  const int first = world.produce(ScriptedWorld::failing(1, 1));
  const int healthy = world.produce(ScriptedWorld::healthy(3));
  const int second = world.produce(ScriptedWorld::failing(2, 2));
  SimWorker& worker = world.join();
  world.work(worker);
  EXPECT_EQ(world.effects(), (std::vector<int>{healthy})) << "nobody else waits for them";
  EXPECT_EQ(world.tables().open.size(), 2U);

  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{healthy, first, second}));
  EXPECT_EQ(world.attempts_of(first), 1);
  EXPECT_EQ(world.attempts_of(second), 2);
}

}  // namespace
}  // namespace spool::simulation
