// Elsewhere (ServiceControl #4797): one operator retries a whole group while another retries one
// message of it: that one is processed twice.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/museum/scripted_world.hpp"

namespace spool::simulation {
namespace {

TEST(Museum, two_operators_and_a_hand_want_the_same_replay) {
  ScriptedWorld world("inbox");
  const int event = world.produce(ScriptedWorld::rejected(1, 1));
  const int another = world.produce(ScriptedWorld::rejected(2, 1));
  SimWorker& worker = world.join();
  world.work(worker);
  ASSERT_EQ(world.announced().size(), 2U);

  world.operators().ask("inbox", delivery::CommandKind::replay);
  world.operators().ask("inbox", delivery::CommandKind::replay, "k1");
  world.operators().copy(world.scene().broker.dead_letters()[0], true);
  world.operators().copy(world.scene().broker.dead_letters()[0], false);
  world.rest();
  auto effects = world.effects();
  std::sort(effects.begin(), effects.end());
  EXPECT_EQ(effects, (std::vector<int>{event, another}));
  EXPECT_EQ(world.letter_of("e1")->state, LetterState::resolved);
}

// A life that failed again is another one: what was asked of the last does not count for it.
TEST(Museum, a_request_counts_for_the_life_that_it_names) {
  ScriptedWorld world("ledger");
  world.produce(ScriptedWorld::rejected(1, 99));
  SimWorker& worker = world.join();
  world.work(worker);
  const Announcement first_life = world.scene().broker.dead_letters()[0];
  world.operators().ask("ledger", delivery::CommandKind::replay);
  world.work(worker);
  ASSERT_EQ(world.announced(), (std::vector<std::string>{"e1 0", "e1 1"}));
  world.operators().copy(first_life, true);
  world.operators().copy(first_life, false);
  world.rest();
  EXPECT_EQ(world.announced().size(), 2U);
  EXPECT_EQ(world.letter_of("e1")->life, 1);
}

}  // namespace
}  // namespace spool::simulation
