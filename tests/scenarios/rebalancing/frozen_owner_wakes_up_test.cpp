// The story: a worker is frozen at a labelled point of a transaction (SIGSTOP) past its session
// timeout; another worker takes its lanes over and finishes the work. Then the first wakes up in
// the middle of its transaction and must write nothing: before BEGIN the fence stops it, inside the
// transaction its session is gone.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

class FrozenOwnerWakesUp : public ::testing::TestWithParam<const char*> {};

TEST_P(FrozenOwnerWakesUp, AndWritesNothing) {
  Scenario scenario({.partitions = 4,
                     .worker = {{"SPOOL__CONSUMER__SESSION_TIMEOUT", "4s"},
                                {"SPOOL__CONSUMER__HEARTBEAT_INTERVAL", "500ms"},
                                {"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "500"},
                                {"SPOOL__DATABASE__IDLE_IN_TRANSACTION_TIMEOUT", "1s"},
                                {"SPOOL__DATABASE__TCP_USER_TIMEOUT", "1s"}}});
  const Generated generated = generate({.seed = 4, .events = 20'000, .partitions = 4});
  scenario.publish(generated.records);

  WorkerProcess& frozen = scenario.start_worker_with_points(
      {{"SPOOL_TEST_STOP_AT", GetParam()}, {"SPOOL_TEST_STOP_AFTER", "5"}});
  ASSERT_TRUE(frozen.wait_stopped()) << frozen.tail();
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
  // Taking a lane again changes epoch and seq; only a transaction of the frozen owner could change
  // these.
  const std::string written =
      "select string_agg(partition || ':' || next_offset || ':' || applied || ':' || dead, ','"
      " order by partition) || '/' || (select count(*) from spool.lane_batches) from spool.lanes";
  const std::string before = scenario.text(written);

  frozen.signal(SIGCONT);
  ASSERT_TRUE(frozen.says({"lane.job_failed", "\"job\":\"apply\""})) << frozen.tail();
  if (std::string(GetParam()) == "before_begin") {
    EXPECT_TRUE(frozen.says({"lane.job_failed", "\"kind\":\"fenced\""})) << frozen.tail();
  }
  // Lanes may move once more when it joins again; what stands in the table may not change.
  frozen.signal(SIGTERM);
  EXPECT_TRUE(frozen.wait_exit()) << frozen.tail();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
  EXPECT_EQ(scenario.text(written), before);
}

INSTANTIATE_TEST_SUITE_P(At, FrozenOwnerWakesUp,
                         ::testing::Values("before_begin", "in_transaction", "before_commit"),
                         [](const auto& point) { return std::string(point.param); });

}  // namespace
}  // namespace spool::test
