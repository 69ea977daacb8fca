// Elsewhere (Parallel Consumer #826, Redpanda Connect #4477): a worker loses a partition while its
// batch is under way and commits when it is done; what the new owner has not done yet is skipped.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, a_batch_of_a_revoked_owner_changes_nothing) {
  ScriptedWorld world("ledger");
  SimWorker& old_owner = world.join();
  const std::vector<int> events{world.produce(ScriptedWorld::healthy(1)),
                                world.produce(ScriptedWorld::healthy(1)),
                                world.produce(ScriptedWorld::healthy(2))};
  world.fetch(old_owner);
  ASSERT_TRUE(old_owner.pick_one());

  SimWorker& new_owner = world.join();
  world.fetch(new_owner);
  EXPECT_TRUE(old_owner.begin_one()) << "it knows of nothing yet";
  EXPECT_TRUE(world.effects().empty()) << "its transaction is fenced";
  EXPECT_EQ(world.tables().row->next, 0);

  world.rest();
  EXPECT_EQ(world.effects(), events);
}

// The other way round: it had committed, and only the answer is late.
TEST(Museum, what_a_revoked_owner_had_committed_is_not_done_again) {
  ScriptedWorld world("inbox");
  SimWorker& old_owner = world.join();
  const std::vector<int> events{world.produce(ScriptedWorld::healthy(1)),
                                world.produce(ScriptedWorld::healthy(1))};
  world.fetch(old_owner);
  ASSERT_TRUE(old_owner.begin_one());
  SimWorker& new_owner = world.join();
  world.work(new_owner);
  old_owner.finish_all();
  world.rest();
  EXPECT_EQ(world.effects(), events);
}

}  // namespace
}  // namespace spool::simulation
