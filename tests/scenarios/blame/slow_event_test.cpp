// The story: one event's statement outlasts every timeout, among others that are well, while the
// lane beside it goes on. The batch fails as slow, again and again, gets smaller, and in the end
// the one event that is slow all alone, and beyond its own deadline, has failed an attempt; nobody
// else is charged. At the end of its ladder it is dead.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kPartitions = 2;

std::string key_on(std::int32_t partition) {
  int i = 0;
  while (partition_of("k" + std::to_string(i), kPartitions) != partition) ++i;
  return "k" + std::to_string(i);
}

TEST(SlowEvent, IsFoundAndChargedAlone) {
  DrillStage stage({.partitions = kPartitions, .delays = {50ms}});
  std::vector<DrillEvent> events;
  for (int i = 0; i < 60; ++i) events.push_back({.id = "e-" + std::to_string(i), .key = key_on(0)});
  events[30].fail = kAlways;
  events[30].how = "slow";
  stage.publish(events);
  stage.start_worker({{"SPOOL__DATABASE__STATEMENT_TIMEOUT", "200ms"},
                      {"SPOOL__DATABASE__LOCK_TIMEOUT", "100ms"},
                      {"SPOOL__HANDLERS__DRILL__TIMEOUT", "400ms"},
                      {"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "4"}});
  // That others commit shows that it is not the database which is slow.
  int beside = 0;
  ASSERT_TRUE(stage.wait_until([&] {
    stage.publish({{.id = "beside-" + std::to_string(beside++), .key = key_on(1)}});
    return stage.dead() == 1;
  })) << stage.logs();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.applied(), 59 + beside);
  EXPECT_EQ(stage.text("select string_agg(event_id || ' ' || error_type || ' ' || attempts, ',')"
                       " from spool.dead_letters"),
            "e-30 handler.timeout 2");
  EXPECT_EQ(stage.number("select max(attempt) from drill.effects"), 1) << "nobody else was charged";
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
