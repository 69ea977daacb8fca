// The story: the worker is killed in the middle of a replay, several times. Whoever has the lanes
// next goes on with it where its last page was committed; at the end each event is applied once and
// the plan's own count says so.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

const std::string kHandler = "drill_inbox";
constexpr int kDead = 800;

TEST(ReplayKilledInTheMiddle, GoesOn) {
  DrillStage stage({.partitions = 2,
                    .handlers = {kHandler},
                    .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"},
                               {"SPOOL__REPLAY__PAGE", "20"},
                               {"SPOOL__CONSUMER__CHECK_INTERVAL", "300ms"},
                               {"SPOOL__HANDLERS__DRILL_INBOX__VALVE__STREAK", "0"},
                               {"SPOOL__HANDLERS__DRILL_INBOX__VALVE__RATIO", "0"}}});
  std::vector<DrillEvent> events;
  for (int i = 0; i < kDead; ++i)
    events.push_back({.id = "e-" + std::to_string(i),
                      .key = "k" + std::to_string(i % 40),
                      .fail = kAlways,
                      .type = "upstream.not_found",
                      .lives = 1});
  stage.publish(events, kHandler);
  WorkerProcess* worker = &stage.start_worker();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  ASSERT_EQ(stage.dead("open", kHandler), kDead) << stage.logs();
  const auto commands = stage.command(DrillStage::Command::replay);
  ASSERT_EQ(commands.size(), 1U);
  for (int kill = 0; kill < 4; ++kill) {
    ASSERT_TRUE(stage.wait_until([&] { return worker->count({"command.page"}) >= 4; }))
        << stage.logs();
    worker->kill();
    ASSERT_EQ(stage.text("select state from spool.commands"), "running") << "killed too late";
    worker = &stage.start_worker();
  }
  ASSERT_TRUE(stage.wait_finished(commands)) << stage.logs();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.applied(kHandler), kDead);
  EXPECT_EQ(stage.number("select count(distinct event_id) from drill.effects"), kDead);
  EXPECT_EQ(stage.dead("resolved", kHandler), kDead);
  EXPECT_EQ(stage.number("select sum(done) from spool.command_lanes"), kDead);
  EXPECT_EQ(stage.number("select sum(skipped) from spool.command_lanes"), 0);
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
