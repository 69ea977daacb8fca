// The story: the worker dies by SIGKILL twenty times, each time after a random number of
// transactions, in the middle of whatever it was doing. What was committed stays, what was not
// comes again: the end is as if nothing had happened. A static member, so that its successor gets
// the partitions at once.
#include <gtest/gtest.h>
#include <signal.h>

#include <random>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(WorkerKilledTwentyTimes, NothingIsLostOrTwice) {
  Scenario scenario({.partitions = 8,
                     .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "worker-1"},
                                {"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "300"},
                                {"SPOOL__CONSUMER__LANE_BUFFER_BYTES", "1MiB"}}});
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  const Generated generated = generate({.seed = 2});
  scenario.publish(generated.records);
  for (int life = 0; life < 20; ++life) {
    WorkerProcess& worker = scenario.start_worker();
    const int batches = static_cast<int>(random() % 15);
    const bool worked =
        scenario.board().wait_until([&] { return worker.count({"batch.committed"}) > batches; });
    ASSERT_TRUE(worked) << worker.tail();
    worker.kill();
  }
  ASSERT_LT(scenario.number("select sum(next_offset) from spool.lanes"), 200'000)
      << "the last kill came too late to mean anything";
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
  EXPECT_EQ(scenario.text("select bool_and(epoch >= 20) from spool.lanes"), "t");
}

}  // namespace
}  // namespace spool::test
