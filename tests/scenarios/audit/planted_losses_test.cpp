// The story: faults of the engine that it does not have, planted by hand: what a batch should have
// written and did not, a position that was committed too early, the error of a dead letter's insert
// that somebody swallowed. The audit of a worker that runs says so by its metric and its log, the
// command line says where, and both are silent again when it has been mended.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kPartitions = 4;
constexpr int kGood = 20;  // of each lane
constexpr int kDifferent = 8;

std::string where(int partition) {
  return " where handler = 'drill' and partition = " + std::to_string(partition);
}

class PlantedLosses : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::int32_t p = 0; p < kPartitions; ++p) keys.push_back(key_of(p));
  }

  static std::string key_of(std::int32_t partition) {
    for (int i = 0;; ++i) {
      std::string key = "k" + std::to_string(i);
      if (partition_of(key, kPartitions) == partition) return key;
    }
  }

  // `count` more events for each lane that take effect.
  void publish_good(int count) {
    std::vector<DrillEvent> events;
    for (int i = 0; i < count; ++i) {
      for (const std::string& key : keys)
        events.push_back({.id = key + "-" + std::to_string(published++), .key = key});
    }
    stage.publish(events);
  }

  // Every lane has applied some, lost one to the dead letters, and one waits for its time.
  void live() {
    const std::int64_t far =
        stage.number("select (extract(epoch from now() + interval '1 day') * 1000000)::bigint");
    std::vector<DrillEvent> events;
    for (const std::string& key : keys) {
      events.push_back(
          {.id = key + "-dead", .key = key, .fail = kAlways, .type = "upstream.not_found"});
      events.push_back({.id = key + "-later", .key = key, .scheduled_us = far});
    }
    stage.publish(events);
    publish_good(kGood);
    WorkerProcess& worker = stage.start_worker();
    ASSERT_TRUE(stage.wait_true("select count(*) = " + std::to_string(kPartitions) +
                                " from spool.lanes where (applied, dead, open) = (" +
                                std::to_string(kGood) +
                                ", 1, 1) and not exists (select from spool.outbox)"))
        << stage.logs();
    stop(worker);
  }

  void stop(WorkerProcess& worker) {
    worker.signal(SIGTERM);
    ASSERT_EQ(worker.wait_exit(), 0) << worker.tail();
  }

  // A worker looks through the books when it starts, and at every twelfth check.
  void expect_metric(WorkerProcess& worker, const std::string& check, int partition, int offsets) {
    const std::string series = "spool_lane_uncovered_offsets\\{check=\"" + check +
                               "\",handler=\"drill\",partition=\"" + std::to_string(partition) +
                               "\"\\} " + std::to_string(offsets) + "$";
    EXPECT_TRUE(stage.wait_metric(worker, series)) << series;
  }

  // The findings of `spool audit ledger`, each as a line.
  std::unique_ptr<WorkerProcess> audit(int expected_code) {
    auto command = stage.command_line({"audit", "ledger", "--exit-code", "-o", "jsonl"});
    EXPECT_EQ(command->wait_exit(), expected_code) << command->tail();
    return command;
  }

  static std::string finding(int partition, const std::string& rest) {
    return "\"handler\": \"drill\", \"partition\": " + std::to_string(partition) + ", " + rest;
  }

  DrillStage stage{{.partitions = kPartitions,
                    .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"},
                               {"SPOOL__CONSUMER__CHECK_INTERVAL", "200ms"}}}};
  std::vector<std::string> keys;  // one of each partition
  int published = 0;
};

TEST_F(PlantedLosses, AreToldByARunningWorker) {
  ASSERT_NO_FATAL_FAILURE(live());
  WorkerProcess& worker = stage.start_worker();
  for (int p = 0; p < kPartitions; ++p) {
    expect_metric(worker, "counters", p, 0);
    expect_metric(worker, "tables", p, 0);
  }
  audit(0);

  stage.database().execute(
      "create table drill.not_inserted as select * from spool.open_events" + where(0) +
      "; delete from spool.open_events" + where(0) +
      "; update spool.lanes set next_offset = next_offset + 3, applied = applied + 3" + where(1) +
      "; create table drill.swallowed as select * from spool.dead_letters" + where(2) +
      "; delete from spool.dead_letters" + where(2));
  const int end = kGood + 2;
  const auto told = audit(kDifferent);
  EXPECT_EQ(told->count({finding(0, "\"what\": \"open\""), "\"expected\": 0, \"found\": 1"}), 1);
  EXPECT_EQ(told->count({finding(1, "\"what\": \"position\", \"from\": " + std::to_string(end) +
                                        ", \"to\": " + std::to_string(end + 3))}),
            1);
  EXPECT_EQ(told->count({finding(2, "\"what\": \"dead\""), "\"expected\": 0, \"found\": 1"}), 1);
  EXPECT_EQ(told->count({finding(3, "")}), 0) << told->tail();
  expect_metric(worker, "tables", 0, 1);
  expect_metric(worker, "tables", 1, 6);  // neither the position nor the counter has a batch
  expect_metric(worker, "tables", 2, 1);
  expect_metric(worker, "tables", 3, 0);
  EXPECT_TRUE(worker.says({"ledger.uncovered", "\"drill/0\"", "\"what\":\"open\""}));
  EXPECT_TRUE(worker.says({"ledger.uncovered", "\"drill/1\"", "\"what\":\"position\""}));
  EXPECT_TRUE(worker.says({"ledger.uncovered", "\"drill/2\"", "\"what\":\"dead\""}));
  EXPECT_EQ(worker.count({"ledger.uncovered", "\"drill/3\""}), 0);

  stage.database().execute(
      "insert into spool.open_events select * from drill.not_inserted;"
      " insert into spool.dead_letters select * from drill.swallowed;"
      " update spool.lanes set next_offset = next_offset - 3, applied = applied - 3" +
      where(1));
  audit(0);
  for (int p = 0; p < kPartitions; ++p) expect_metric(worker, "tables", p, 0);
  stage.expect_conserved();
}

// The next owner leaves out three events of the log. The range that is named is exactly what was
// lost: going back to its beginning heals the lane.
TEST_F(PlantedLosses, AnEarlyCommitNamesItsOffsets) {
  ASSERT_NO_FATAL_FAILURE(live());
  const std::string of_lane = where(1);
  const auto alone = stage.database().connect()->execute_script(
      "update spool.lanes set next_offset = next_offset + 3" + of_lane);
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.failure().sqlstate, "23514") << "a position without its counters";

  publish_good(5);
  const int end = kGood + 2;
  stage.database().execute(
      "update spool.lanes set next_offset = next_offset + 3, applied = applied + 3" + of_lane);
  WorkerProcess& early = stage.start_worker();
  ASSERT_TRUE(stage.wait_true("select bool_and(next_offset = " + std::to_string(end + 5) +
                              ") from spool.lanes"))
      << stage.logs();
  EXPECT_EQ(stage.applied(), kPartitions * (kGood + 5) - 3);
  stop(early);
  WorkerProcess& next = stage.start_worker();
  expect_metric(next, "tables", 0, 0);
  expect_metric(next, "tables", 1, 6);
  const auto told = audit(kDifferent);
  EXPECT_EQ(told->count({finding(1, "\"what\": \"chain\", \"from\": " + std::to_string(end) +
                                        ", \"to\": " + std::to_string(end + 3))}),
            1)
      << told->tail();
  EXPECT_EQ(told->count({finding(1, "\"what\": \"applied\"")}), 1) << told->tail();
  EXPECT_EQ(told->count({"\"what\""}), 2) << told->tail();
  stop(next);

  stage.database().execute("delete from spool.lane_batches" + of_lane + " and to_offset > " +
                           std::to_string(end) + "; update spool.lanes set next_offset = " +
                           std::to_string(end) + ", last_offset = -1, last_timestamp_ms = -1," +
                           " applied = " + std::to_string(kGood) + of_lane);
  WorkerProcess& mended = stage.start_worker();
  ASSERT_TRUE(stage.wait_applied(kPartitions * (kGood + 5))) << stage.logs();
  stop(mended);
  WorkerProcess& last = stage.start_worker();
  for (int p = 0; p < kPartitions; ++p) {
    expect_metric(last, "counters", p, 0);
    expect_metric(last, "tables", p, 0);
  }
  audit(0);
  EXPECT_EQ(stage.number("select duplicate from spool.lanes" + of_lane), 2) << "came again";
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
