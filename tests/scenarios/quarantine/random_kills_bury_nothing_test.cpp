// The story: the worker is killed again and again at moments that have nothing to do with any
// event. However much that looks like an event that ends the process: nothing is dead for it.
// SPOOL_SOAK_KILLS=200 makes it long.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

int kills_wanted() {
  const char* given = std::getenv("SPOOL_SOAK_KILLS");
  return given == nullptr ? 12 : std::atoi(given);
}

TEST(RandomKills, BuryNothing) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  DrillStage stage({.partitions = 4,
                    .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"},
                               {"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "100"}}});
  std::vector<DrillEvent> events;
  const auto publish_more = [&] {
    std::vector<DrillEvent> more;
    for (int i = 0; i < 400; ++i) {
      DrillEvent event{.id = "e-" + std::to_string(events.size() + more.size()),
                       .key = "k" + std::to_string(random() % 60)};
      if (random() % 20 == 0) event.fail = 1 + static_cast<int>(random() % 2);
      more.push_back(std::move(event));
    }
    stage.publish(more);
    events.insert(events.end(), more.begin(), more.end());
  };
  const int kills = kills_wanted();
  for (int kill = 0; kill < kills; ++kill) {
    publish_more();
    WorkerProcess& worker = stage.start_worker();
    // From "it has just taken its first lane" to "it has been at work for a while".
    const int wanted = static_cast<int>(random() % 12);
    ASSERT_TRUE(stage.wait_until([&] {
      return worker.count({"lane.taken"}) > 0 && (worker.count({"batch.committed"}) >= wanted ||
                                                  stage.wait_settled(std::chrono::seconds(0)));
    })) << stage.logs();
    worker.kill();
  }
  stage.start_worker();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_EQ(stage.dead(), 0) << stage.text(
      "select string_agg(event_id || ' ' || error_type, ', ')"
      " from spool.dead_letters");
  History history = stage.history(events);
  history.times_max = 1 + kills;
  for (const std::string& sentence : contradictions(history)) ADD_FAILURE() << sentence;
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
