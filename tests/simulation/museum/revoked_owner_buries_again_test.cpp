// Elsewhere (karafka#3220): an owner that has lost its partition still dead-letters what it had in
// hand, and the new owner does the same.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, two_owners_bury_an_event_once) {
  ScriptedWorld world("ledger", {10}, true);
  world.produce(ScriptedWorld::rejected(1, 99));
  const int behind = world.produce(ScriptedWorld::healthy(1));
  SimWorker& old_owner = world.join();
  world.fetch(old_owner);
  ASSERT_TRUE(old_owner.pick_one());
  SimWorker& new_owner = world.join();
  world.work(new_owner);
  old_owner.begin_one();
  old_owner.finish_all();
  world.rest();
  EXPECT_EQ(world.announced(), (std::vector<std::string>{"e1 0"}));
  EXPECT_TRUE(world.effects().empty()) << "what is dead holds its key here";

  world.operators().ask("ledger", delivery::CommandKind::discard);
  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{behind}));
}

}  // namespace
}  // namespace spool::simulation
