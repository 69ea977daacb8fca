// Elsewhere (NServiceBus, docs#3947): a message that is retried by hand after the outbox has
// forgotten it is executed once more, though it had been executed.
#include <gtest/gtest.h>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, a_replay_acts_once_however_late_and_often_it_is_asked_for) {
  ScriptedWorld world("inbox");
  const int event = world.produce(ScriptedWorld::rejected(1, 1));
  SimWorker& worker = world.join();
  world.work(worker);
  ASSERT_EQ(world.announced(), (std::vector<std::string>{"e1 0"}));
  const Announcement dead = world.scene().broker.dead_letters()[0];

  world.pass_years(2);
  world.tables().inbox.clear();  // its days are long gone
  world.operators().ask("inbox", delivery::CommandKind::replay);
  world.work(worker);
  EXPECT_EQ(world.effects(), (std::vector<int>{event}));

  world.pass_years(2);
  world.tables().inbox.clear();
  world.operators().ask("inbox", delivery::CommandKind::replay);
  world.operators().copy(dead, true);
  world.operators().copy(dead, false);
  world.rest();
  EXPECT_EQ(world.effects(), (std::vector<int>{event}));
}

}  // namespace
}  // namespace spool::simulation
