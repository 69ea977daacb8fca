// The story: PostgreSQL is stopped without a checkpoint three times under full load, with
// asynchronous commit on. The newest transactions are lost together with their positions, so Kafka
// delivers exactly those events again.
#include <gtest/gtest.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(DatabaseCrashUnderLoad, ThreeTimes) {
  Scenario scenario({.partitions = 8,
                     .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "100"},
                                {"SPOOL__CONSUMER__CHECK_INTERVAL", "500ms"}}});
  const Generated generated = generate({.seed = 5});
  scenario.publish(generated.records);
  WorkerProcess& worker = scenario.start_worker();
  for (int crash = 1; crash <= 3; ++crash) {
    const int batches = worker.count({"batch.committed"}) + 40;
    ASSERT_TRUE(scenario.board().wait_until([&] {
      return worker.count({"batch.committed"}) >= batches;
    })) << worker.tail();
    stack("crash-db");
  }
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
  EXPECT_GT(worker.count({"lane.job_failed"}), 0) << "no crash was noticed: it fell on nothing";
}

}  // namespace
}  // namespace spool::test
