// The story: somebody adds partitions to a topic that is in use. Kafka hands them out and hashes
// keys to them, so that a key's events stand in two lanes. The new partitions are not read, and the
// worker says so; the old lanes go on.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(TopicGrows, NewPartitionsAreRefusedTheOthersGoOn) {
  Scenario scenario({.partitions = 2});
  const Generated generated = generate({.seed = 13, .events = 2'000, .keys = 200, .partitions = 2});
  scenario.publish(generated.records, 0, 1'000);
  WorkerProcess& first = scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  first.signal(SIGTERM);
  ASSERT_EQ(first.wait_exit(), 0) << first.tail();

  // As if there had been one partition less when the handler was first served.
  scenario.database().execute("update spool.handler_topics set partitions = 1");
  WorkerProcess& worker = scenario.start_worker();
  ASSERT_TRUE(
      worker.says({"lane.job_failed", "progress_events/1", "has grown from 1 partitions to 2"}))
      << worker.tail();
  scenario.publish(generated.records, 1'000, 2'000);
  ASSERT_TRUE(scenario.board().wait_until([&] {
    return scenario.number("select next_offset from spool.lanes where partition = 0") ==
           scenario.end_offset(0);
  })) << worker.tail();
  EXPECT_LT(scenario.number("select next_offset from spool.lanes where partition = 1"),
            scenario.end_offset(1));
}

}  // namespace
}  // namespace spool::test
