// The story: under load the disk of the handler's table is full, or that of what waits for its next
// attempt, or of what is to be announced: a real one, of a few megabytes. The lanes wait, nothing
// is charged, nothing dies. When somebody has made room they go on by themselves, and each event
// has been applied once. The handler's table would take them twice.
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/drill_stage.hpp"
#include "tests/support/small_disk.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

const std::string kHandler = "drill_inbox";
constexpr int kEvents = 8'000;
constexpr int kFirst = 2'000;  // published before the disk is full

class FullDisk : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!disk.why_not().empty()) GTEST_SKIP() << disk.why_not();
    stage.emplace(DrillSettings{.partitions = 2,
                                .handlers = {kHandler},
                                .delays = {200ms, 400ms, 800ms},
                                .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "200"},
                                           {"SPOOL__CONSUMER__CHECK_INTERVAL", "500ms"}}});
    disk.take(stage->database(), GetParam());
    for (int i = 0; i < kEvents; ++i)
      events.push_back({.id = "e-" + std::to_string(i),
                        .key = "k" + std::to_string(i * 7 % 160),
                        .fail = i % 9 == 4 ? 1 + i % 3 : 0});
  }

  // How often each lane has tried in vain because of it.
  bool wait_refused(WorkerProcess& worker, int times) {
    return stage->wait_until([&] {
      for (const std::string& lane : {kHandler + "/0", kHandler + "/1"}) {
        if (worker.count({"lane.job_failed", "\"53100\"", "\"kind\":\"unavailable\"", lane}) <
            times)
          return false;
      }
      return true;
    });
  }

  SmallDisk disk{24};  // goes after everything that lies on it
  std::optional<DrillStage> stage;
  std::vector<DrillEvent> events;
};

TEST_P(FullDisk, WaitsForRoom) {
  WorkerProcess& worker = stage->start_worker();
  stage->publish({events.begin(), events.begin() + kFirst}, kHandler);
  ASSERT_TRUE(stage->wait_applied(kFirst / 4, kHandler)) << stage->logs();
  disk.fill(stage->database());
  stage->publish({events.begin() + kFirst, events.end()}, kHandler);
  ASSERT_TRUE(wait_refused(worker, 4)) << worker.tail();
  EXPECT_TRUE(stage->wait_metric(worker, "spool_consumer_paused.*reason=\"database\".* 1$"));
  EXPECT_LT(stage->applied(kHandler), kEvents);
  EXPECT_EQ(stage->number("select count(*) from spool.dead_letters"), 0);

  disk.free(stage->database());
  ASSERT_TRUE(stage->wait_settled()) << stage->logs();
  EXPECT_EQ(stage->number("select count(*) from spool.dead_letters"), 0);
  EXPECT_EQ(stage->number("select sum(duplicate) from spool.lanes"), 0);
  History history = stage->history(events, kHandler);
  history.times_max = 100;  // the handler tells of attempts whose transaction was refused
  for (const std::string& sentence : contradictions(history)) ADD_FAILURE() << sentence;
  stage->expect_conserved();
  EXPECT_EQ(worker.wait_exit(0s), std::nullopt) << "it is still the same process";
}

INSTANTIATE_TEST_SUITE_P(Of, FullDisk,
                         ::testing::Values("drill.effects", "spool.open_events", "spool.outbox"),
                         [](const auto& table) {
                           std::string name = table.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace spool::test
