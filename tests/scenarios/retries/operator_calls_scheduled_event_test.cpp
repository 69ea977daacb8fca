// The story: an event is scheduled for tomorrow, and an operator calls it now. It is applied now.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

TEST(OperatorCallsScheduledEvent, AndItComes) {
  DrillStage stage({.partitions = 1});
  const std::int64_t tomorrow = stage.number(
      "select (extract(epoch from clock_timestamp() + interval '1 day') * 1000000)::bigint");
  stage.publish({{.id = "tomorrow", .scheduled_us = tomorrow}, {.id = "now"}});
  stage.start_worker();
  ASSERT_TRUE(stage.wait_applied(1)) << stage.logs();
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::retry_now))) << stage.logs();
  EXPECT_EQ(stage.number("select sum(done) from spool.command_lanes"), 1);
  ASSERT_TRUE(stage.wait_settled(std::chrono::seconds(30))) << stage.logs();
  EXPECT_EQ(stage.applied(), 2);
}

}  // namespace
}  // namespace spool::test
