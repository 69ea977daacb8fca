// Elsewhere (Kafka Connect JDBC sink #1312): with dead letters switched on, an outage of the
// database (a full tablespace) sends everything there, record by record.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, an_outage_of_the_database_costs_no_event_an_attempt) {
  ScriptedWorld world("ledger");
  std::vector<int> events;
  for (int i = 0; i < 6; ++i) events.push_back(world.produce(ScriptedWorld::healthy(1 + i % 2)));
  SimWorker& worker = world.join();
  world.fetch(worker);
  world.scene().faults.on = world.scene().faults.database_down = true;
  for (int i = 0; i < 100; ++i) {
    worker.run_one();
    world.pass(50);
  }
  EXPECT_EQ(worker.pause_reason(world.lane), delivery::PauseReason::database);
  world.scene().faults.on = world.scene().faults.database_down = false;
  world.rest();
  EXPECT_EQ(world.effects(), events);
  EXPECT_TRUE(world.tables().dead.empty());
  for (const int event : events) EXPECT_EQ(world.attempts_of(event), 0);
}

}  // namespace
}  // namespace spool::simulation
