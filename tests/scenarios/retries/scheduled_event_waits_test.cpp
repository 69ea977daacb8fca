// The story: an event says when it is to be applied. Until then it waits in the database and holds
// nobody up; then it takes its place behind what its key still has to do. It survives its owner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

class ScheduledEvent : public ::testing::Test {
 protected:
  std::int64_t in(std::chrono::microseconds time) {
    return stage.number("select (extract(epoch from clock_timestamp()) * 1000000)::bigint") +
           time.count();
  }

  std::vector<std::string> applied_in_order() {
    std::vector<std::string> ids;
    for (const Effect& effect : stage.history({}).effects) ids.push_back(effect.name.second);
    return ids;
  }

  DrillStage stage{{.partitions = 1}};
};

TEST_F(ScheduledEvent, HoldsNobodyUp) {
  const std::int64_t due = in(2s);
  stage.publish({{.id = "later", .scheduled_us = due}, {.id = "now"}, {.id = "also now"}});
  stage.start_worker();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_THAT(applied_in_order(), ElementsAre("now", "also now", "later"));
  EXPECT_GE(stage.history({}).effects.back().attempted_us, due);
  stage.expect_conserved();
}

TEST_F(ScheduledEvent, SurvivesItsOwner) {
  stage.publish({{.id = "later", .scheduled_us = in(3s)}, {.id = "now"}});
  WorkerProcess& first = stage.start_worker({{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"}});
  ASSERT_TRUE(stage.wait_applied(1)) << stage.logs();
  first.kill();
  EXPECT_EQ(stage.number("select sum(open) from spool.lanes"), 1);
  stage.start_worker({{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"}});
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_THAT(applied_in_order(), ElementsAre("now", "later"));
}

TEST_F(ScheduledEvent, TakesItsPlaceWhenItIsDue) {
  stage.start_worker();
  stage.publish({{.id = "later", .scheduled_us = in(3s)},
                 {.id = "head", .fail = 1, .after_ms = 3'600'000},
                 {.id = "parked"}});
  ASSERT_TRUE(
      stage.wait_true("select count(*) = 1 from spool.open_events where state = 'scheduled'"))
      << stage.logs();
  ASSERT_TRUE(stage.wait_true("select count(*) = 2 from spool.open_events where state = 'parked'"))
      << stage.logs();
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::retry_now))) << stage.logs();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_THAT(applied_in_order(), ElementsAre("head", "parked", "later"));
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
