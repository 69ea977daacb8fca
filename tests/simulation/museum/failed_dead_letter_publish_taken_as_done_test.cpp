// Elsewhere (taskbroker's upkeep): the producing of a dead letter fails, that is logged, and the
// task counts as complete all the same: it is nowhere any more.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, a_dead_letter_that_could_not_be_published_is_published_later) {
  ScriptedWorld world("ledger");
  world.produce(ScriptedWorld::rejected(1, 99));
  SimWorker& first = world.join();
  world.fetch(first);
  while (world.tables().outbox.empty()) ASSERT_TRUE(first.run_one());

  // Kafka takes nothing; then the process ends.
  world.scene().faults.on = true;
  world.scene().swarm.refuse = 0;
  world.scene().swarm.answer_lost = 1'000;
  for (int i = 0; i < 5; ++i) {
    first.run_one();
    first.publish_all();
    world.pass(200);
  }
  EXPECT_EQ(world.tables().outbox.size(), 2U) << "the letter and the event that tells of it stay";
  world.kill(first);
  world.scene().faults.on = false;

  world.join();
  world.rest();
  EXPECT_TRUE(world.tables().outbox.empty());
  const auto announced = world.announced();
  ASSERT_FALSE(announced.empty());
  for (const std::string& letter : announced) EXPECT_EQ(letter, "e1 0");
}

// The other half of it: the process ends after Kafka has the record and before the row is gone.
TEST(Museum, a_dead_letter_published_twice_is_recognisable) {
  ScriptedWorld world("ledger");
  world.produce(ScriptedWorld::rejected(1, 99));
  SimWorker& first = world.join();
  world.fetch(first);
  while (world.announced().empty()) {
    ASSERT_TRUE(first.run_one());
    first.publish_all();
  }
  world.kill(first);
  world.join();
  world.rest();
  EXPECT_EQ(world.announced(), (std::vector<std::string>{"e1 0", "e1 0"}));
  EXPECT_EQ(world.tables().dead.size(), 1U);
}

}  // namespace
}  // namespace spool::simulation
