// The story: three workers share eight partitions while events pour in, some of which fail once or
// twice and some always. Again and again one of the three is killed and comes back, and a fourth
// joins and leaves, so that lanes change hands in the middle of batches, retries and drains. What
// is found afterwards must be a history that one careful worker could have made.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <random>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

constexpr int kTurns = 14;
constexpr int kEventsOfATurn = 500;
constexpr int kKeys = 200;

class ThreeWorkersWithKills : public ::testing::Test {
 protected:
  WorkerProcess& start_member(std::size_t number) {
    return stage.start_worker({{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w" + std::to_string(number)}});
  }

  void publish_more() {
    std::vector<DrillEvent> more;
    for (int i = 0; i < kEventsOfATurn; ++i) {
      const std::size_t serial = events.size() + more.size();
      DrillEvent event{.id = "e-" + std::to_string(serial),
                       .key = "k" + std::to_string(random() % kKeys)};
      const auto dice = random() % 100;
      if (dice < 10) event.fail = 1 + static_cast<int>(random() % 2);
      if (dice == 10) event.fail = kAlways;
      more.push_back(std::move(event));
    }
    stage.publish(more);
    events.insert(events.end(), more.begin(), more.end());
  }

  int batches() {
    int sum = 0;
    for (const auto& worker : stage.workers()) sum += worker->count({"batch.committed"});
    return sum;
  }

  void wait_for_batches(int more) {
    const int wanted = batches() + more;
    ASSERT_TRUE(stage.wait_until([&] {
      return batches() >= wanted || stage.wait_settled(std::chrono::seconds(0));
    })) << stage.logs();
  }

  std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random{seed};
  DrillStage stage{{.partitions = 8,
                    .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "50"},
                               {"SPOOL__CONSUMER__CHECK_INTERVAL", "500ms"}}}};
  std::vector<DrillEvent> events;
};

TEST_F(ThreeWorkersWithKills, MakeAHistoryOfOne) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::array<WorkerProcess*, 3> members{};
  for (std::size_t i = 0; i < members.size(); ++i) members[i] = &start_member(i);
  WorkerProcess* extra = nullptr;
  int kills = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    publish_more();
    ASSERT_NO_FATAL_FAILURE(wait_for_batches(1 + static_cast<int>(random() % 20)));
    if (turn % 3 == 2) {
      if (extra == nullptr) {
        extra = &stage.start_worker();
        ASSERT_TRUE(extra->says({"lane.taken"})) << stage.logs();
      } else {
        extra->signal(SIGTERM);
        ASSERT_EQ(extra->wait_exit(), 0) << extra->tail();
        extra = nullptr;
      }
    } else {
      const std::size_t chosen = random() % members.size();
      members[chosen]->kill();
      members[chosen] = &start_member(chosen);
      ++kills;
    }
  }
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  History history = stage.history(events);
  history.times_max = 1 + stage.number("select max(epoch) from spool.lanes");
  for (const std::string& sentence : contradictions(history)) ADD_FAILURE() << sentence;
  stage.expect_conserved();
  EXPECT_EQ(stage.number("select sum(applied + duplicate + dead) from spool.lanes"),
            static_cast<std::int64_t>(events.size()));
  std::printf("%zu events, %d kills, lanes taken %lld times, %zu failed attempts, %zu deaths\n",
              events.size(), kills,
              static_cast<long long>(stage.number("select sum(epoch) from spool.lanes")),
              history.attempted.size(), history.deaths.size());
  if (HasFailure()) std::fprintf(stderr, "%s", stage.logs().c_str());
}

}  // namespace
}  // namespace spool::test
