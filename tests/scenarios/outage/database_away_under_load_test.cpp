// The story: the database goes away and comes back, twice, under load, while some events fail and
// wait for their next attempt. Nobody is charged for it, nothing dies of it, and the order of the
// keys holds.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

TEST(DatabaseAway, ChargesNobody) {
  DrillStage stage({.partitions = 4,
                    .delays = {50ms, 300ms, 600ms},
                    .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "50"},
                               {"SPOOL__CONSUMER__CHECK_INTERVAL", "500ms"}}});
  std::vector<DrillEvent> events;
  for (int i = 0; i < 6'000; ++i)
    events.push_back({.id = "e-" + std::to_string(i),
                      .key = "k" + std::to_string(i * 7 % 150),
                      .fail = i % 11 == 3 ? 1 + i % 3 : 0});
  stage.publish(events);
  WorkerProcess& worker = stage.start_worker();
  for (int away = 1; away <= 2; ++away) {
    const int batches = worker.count({"batch.committed"}) + 20;
    ASSERT_TRUE(stage.wait_until([&] { return worker.count({"batch.committed"}) >= batches; }))
        << worker.tail();
    const int failures = worker.count({"lane.job_failed"});
    stack("stop-db");
    EXPECT_TRUE(stage.wait_until([&] { return worker.count({"lane.job_failed"}) >= failures + 8; }))
        << worker.tail();
    stack("start-db");
  }
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
  History history = stage.history(events);
  history.times_max = 1 + stage.number("select max(epoch) from spool.lanes");
  for (const std::string& sentence : contradictions(history)) ADD_FAILURE() << sentence;
  stage.expect_conserved();
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s", stage.logs().c_str());
}

}  // namespace
}  // namespace spool::test
