// The story: one worker, then three, then one again, under load. Lanes move with their partitions;
// a worker that is asked to leave finishes what it began and says so with exit code 0.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(WorkersJoinAndLeave, FromOneToThreeToOne) {
  Scenario scenario({.partitions = 8, .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "500"}}});
  const Generated generated = generate({.seed = 3});
  const std::size_t third = generated.records.size() / 3;

  WorkerProcess& first = scenario.start_worker();
  scenario.publish(generated.records, 0, third);
  ASSERT_TRUE(first.says({"batch.committed"})) << first.tail();

  WorkerProcess& second = scenario.start_worker();
  WorkerProcess& third_worker = scenario.start_worker();
  ASSERT_TRUE(second.says({"lane.taken"})) << second.tail();
  ASSERT_TRUE(third_worker.says({"lane.taken"})) << third_worker.tail();
  scenario.publish(generated.records, third, 2 * third);
  ASSERT_TRUE(second.says({"batch.committed"})) << second.tail();
  ASSERT_TRUE(third_worker.says({"batch.committed"})) << third_worker.tail();

  first.signal(SIGTERM);
  EXPECT_EQ(first.wait_exit(), 0) << first.tail();
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait_exit(), 0) << second.tail();
  scenario.publish(generated.records, 2 * third, generated.records.size());
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

}  // namespace
}  // namespace spool::test
