// The story: a service that one handler needs is away. Its breaker opens, its lanes wait and nobody
// is charged for the wait; the handler beside it in the same process does not notice. When the
// service is back everything is applied.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

constexpr int kEvents = 2'000;

TEST(DependencyDown, HoldsOnlyWhoNeedsIt) {
  DrillStage stage({.partitions = 2,
                    .handlers = {"drill", "drill_flaky"},
                    .delays = {200ms, 400ms, 800ms, 1600ms, 3200ms},
                    .worker = {{"SPOOL__BREAKER__FAILURES", "2"},
                               {"SPOOL__BREAKER__OPEN_FOR", "1s"},
                               {"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "100"}}});
  std::vector<DrillEvent> events;
  for (int i = 0; i < kEvents; ++i)
    events.push_back({.id = "e-" + std::to_string(i), .key = "k" + std::to_string(i % 100)});
  stage.service_down(true);
  WorkerProcess& worker = stage.start_worker();
  stage.publish(events, "drill_flaky");
  stage.publish(events, "drill");
  ASSERT_TRUE(stage.wait_applied(kEvents, "drill")) << stage.logs();
  EXPECT_TRUE(stage.wait_metric(worker,
                                "spool_upstream_circuit_state.*\"open\".*flaky.* 1$|"
                                "spool_upstream_circuit_state.*flaky.*\"open\".* 1$"));
  EXPECT_TRUE(stage.wait_metric(worker, "spool_consumer_paused.*drill_flaky.*\"circuit\".* 1$"));
  EXPECT_EQ(stage.applied("drill_flaky"), 0);
  EXPECT_LT(stage.number("select sum(next_offset) from spool.lanes where handler = 'drill_flaky'"),
            kEvents)
      << "the log was read on against an open breaker";
  stage.service_down(false);
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.applied("drill_flaky"), kEvents);
  EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
  EXPECT_LE(stage.number("select max(attempt) from drill.effects"), 4)
      << "only batches before the breaker opened and single probes were charged";
  EXPECT_EQ(stage.number("select count(*) from drill.effects e where exists (select from"
                         " drill.effects f where f.handler = e.handler and f.order_key ="
                         " e.order_key and length(f.event_id) = length(e.event_id) and f.event_id"
                         " < e.event_id and f.serial > e.serial)"),
            0)
      << "applied out of order";
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
