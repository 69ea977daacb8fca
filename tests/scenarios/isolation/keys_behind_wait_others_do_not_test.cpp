// The story: one event cannot be applied for as long as anybody looks. What comes behind it under
// its key waits, in the database, and is visible there; everything else of its partition goes on as
// if nothing were. When the event is through at last, its key catches up in order.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

constexpr int kStuck = 500;
constexpr int kOthers = 10'000;

TEST(KeysBehindWait, OthersDoNot) {
  DrillStage stage({.partitions = 1});
  std::vector<DrillEvent> events;
  events.push_back({.id = "stuck-0", .key = "stuck", .fail = 1, .after_ms = 3'600'000});
  for (int i = 0; i < kOthers; ++i) {
    events.push_back({.id = "e-" + std::to_string(i), .key = "k" + std::to_string(i % 100)});
    if (i % (kOthers / kStuck) == 0) {
      const std::string id = "stuck-" + std::to_string(1 + i / (kOthers / kStuck));
      events.push_back({.id = id, .key = "stuck"});
    }
  }
  stage.publish(events);
  WorkerProcess& worker = stage.start_worker({{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "500"}});
  ASSERT_TRUE(stage.wait_applied(kOthers)) << stage.logs();
  EXPECT_EQ(stage.number("select count(*) from drill.effects where order_key = 'stuck'"), 0);
  EXPECT_EQ(stage.number("select open from spool.lanes"), kStuck + 1);
  stage.expect_conserved();
  EXPECT_TRUE(stage.wait_metric(worker, "spool_lane_held_keys.*drill.* 1$"));
  EXPECT_TRUE(stage.wait_metric(worker, "spool_lane_open_events.*drill.* 501$"));

  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::retry_now))) << stage.logs();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  for (const std::string& sentence : contradictions(stage.history(events)))
    ADD_FAILURE() << sentence;
  EXPECT_EQ(stage.applied(), kOthers + kStuck + 1);
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
