// The story: the broker goes away and comes back under load. The worker waits, joins its group
// again and goes on from the positions in the database.
#include <gtest/gtest.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(BrokerRestarts, UnderLoad) {
  Scenario scenario({.partitions = 8, .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "200"}}});
  const Generated generated = generate({.seed = 7, .events = 100'000});
  const std::size_t half = generated.records.size() / 2;
  scenario.publish(generated.records, 0, half);
  WorkerProcess& worker = scenario.start_worker();
  ASSERT_TRUE(scenario.board().wait_until([&] { return worker.count({"batch.committed"}) >= 20; }))
      << worker.tail();
  stack("restart-broker");
  scenario.publish(generated.records, half, generated.records.size());
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

}  // namespace
}  // namespace spool::test
