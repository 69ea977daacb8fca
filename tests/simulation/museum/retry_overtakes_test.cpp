// Elsewhere (retry topics as Uber described them in 2018, NServiceBus' delayed retries, Benthos
// #550): what fails goes to the back, and the later events of its key overtake it: an old value
// overwrites a new one.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, later_events_of_a_key_wait_for_the_one_that_failed) {
  ScriptedWorld world("ledger", {10, 20});
  const int failing = world.produce(ScriptedWorld::failing(1, 2));
  const int later = world.produce(ScriptedWorld::healthy(1));
  const int other = world.produce(ScriptedWorld::healthy(2));
  SimWorker& worker = world.join();
  world.work(worker);
  const int latest = world.produce(ScriptedWorld::healthy(1));
  world.work(worker);
  EXPECT_EQ(world.effects(), (std::vector<int>{other}));
  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{other, failing, later, latest}));
}

// Retry records may come twice, late, or never: nothing depends on them.
TEST(Museum, lost_retry_records_hold_nobody_up) {
  ScriptedWorld world("ledger", {10, 20});
  const int failing = world.produce(ScriptedWorld::failing(1, 2));
  SimWorker& worker = world.join();
  world.fetch(worker);
  ASSERT_TRUE(worker.run_one());
  ASSERT_EQ(world.tables().outbox.size(), 1U);
  world.pass(15);
  ASSERT_TRUE(worker.begin_one()) << "the record was not even published";
  worker.finish_all();
  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{failing}));
}

}  // namespace
}  // namespace spool::simulation
