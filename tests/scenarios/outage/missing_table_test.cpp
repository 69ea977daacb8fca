// The story: a release went wrong and the handler's table is not there. That is our fault, not the
// events': the lanes wait and say `schema`, nothing is charged, nothing dies. When the table is
// back they go on by themselves.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

TEST(MissingTable, IsNobodysFault) {
  DrillStage stage({.partitions = 2});
  std::vector<DrillEvent> first;
  std::vector<DrillEvent> second;
  for (int i = 0; i < 500; ++i) {
    first.push_back({.id = "a-" + std::to_string(i), .key = "k" + std::to_string(i % 50)});
    second.push_back({.id = "b-" + std::to_string(i),
                      .key = "k" + std::to_string(i % 50),
                      .fail = i % 10 == 0 ? 1 : 0});
  }
  WorkerProcess& worker = stage.start_worker();
  stage.publish(first);
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  stage.database().execute("alter table drill.effects rename to effects_away");
  stage.publish(second);
  for (const std::string lane : {"drill/0", "drill/1"}) {
    ASSERT_TRUE(stage.wait_until([&] {
      return worker.count({"lane.job_failed", "\"kind\":\"schema\"", lane}) >= 3;
    })) << worker.tail();
  }
  EXPECT_TRUE(stage.wait_metric(worker, "spool_consumer_paused.*reason=\"schema\".* 1$"));
  EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
  EXPECT_EQ(stage.number("select count(*) from spool.open_events"), 0);

  stage.database().execute("alter table drill.effects_away rename to effects");
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.applied(), 1'000);
  EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
