// Elsewhere (Spring Kafka #4545, Redpanda Connect #4010): a partition is taken away while its
// worker waits between two attempts; the records that it had fetched and not applied are discarded
// with the position behind them. One rebalance cost 10,433 messages.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, what_waits_behind_a_failure_survives_the_owner) {
  ScriptedWorld world("ledger", {5'000});
  const int failing = world.produce(ScriptedWorld::failing(1, 1));
  SimWorker& old_owner = world.join();
  world.work(old_owner);
  // It waits for the second attempt. More arrives, of the same key and of others.
  const int behind = world.produce(ScriptedWorld::healthy(1));
  const int beside = world.produce(ScriptedWorld::healthy(2));
  old_owner.fetch_all();
  ASSERT_TRUE(old_owner.pick_one()) << "a batch is on its way when the partition goes";

  SimWorker& new_owner = world.join();
  world.work(new_owner);
  EXPECT_EQ(world.effects(), (std::vector<int>{beside}));
  const auto early = world.effects().size();
  world.pass(4'000);
  world.work(new_owner);
  EXPECT_EQ(world.effects().size(), early) << "the new owner knows when it is due";

  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{beside, failing, behind}));
}

}  // namespace
}  // namespace spool::simulation
