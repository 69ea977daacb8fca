// The story: the log no longer has what the database's position promises. Either the topic was
// recreated, so that the offsets mean other records, or retention removed records that were never
// applied. Going on would skip events or take strangers for ours: the lanes stop, say
// position_lost, and nothing is written.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

class PositionLost : public ::testing::Test {
 protected:
  void SetUp() override {
    scenario.publish(first.records);
    WorkerProcess& worker = scenario.start_worker();
    ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
    worker.signal(SIGTERM);
    ASSERT_EQ(worker.wait_exit(), 0) << worker.tail();
    before = state();
  }

  // Everything but who owns the lanes.
  std::string state() {
    return scenario.text(
               "select string_agg(partition || ':' || next_offset || ':' || applied, ',' order by"
               " partition) from spool.lanes") +
           "/" +
           scenario.text(
               "select md5(string_agg(w::text, ',' order by w::text)) from media.watch_progress w");
  }

  void expect_all_stopped() {
    WorkerProcess& worker = scenario.start_worker();
    for (int partition = 0; partition < 2; ++partition) {
      EXPECT_TRUE(worker.says(
          {"lane.stopped", "position_lost", "progress_events/" + std::to_string(partition)}))
          << worker.tail();
    }
    EXPECT_EQ(state(), before);
    EXPECT_EQ(scenario.number("select count(*) from spool.lanes where state = 'stopped' and reason"
                              " = 'position_lost'"),
              2);
    EXPECT_EQ(worker.count({"batch.committed"}), 0);
  }

  Scenario scenario{{.partitions = 2}};
  Generated first =
      generate({.seed = 9, .events = 1'000, .keys = 100, .partitions = 2, .poison = 0});
  Generated second =
      generate({.seed = 10, .events = 3'000, .keys = 100, .partitions = 2, .poison = 0});
  std::string before;
};

TEST_F(PositionLost, RecreatedTopicIsShorter) {
  scenario.recreate_topic();
  expect_all_stopped();
}

// The offsets exist, but other records stand there: only the timestamp of the record before the
// position tells.
TEST_F(PositionLost, RecreatedTopicIsLonger) {
  scenario.recreate_topic();
  scenario.publish(second.records);
  expect_all_stopped();
}

TEST_F(PositionLost, RetentionRemovedTheHead) {
  scenario.publish(second.records);
  for (std::int32_t partition = 0; partition < 2; ++partition) {
    const auto removed = scenario.cluster().delete_records(
        scenario.topic(), partition, scenario.end_offset(partition) - 1, std::chrono::seconds(30));
    ASSERT_TRUE(removed) << removed.failure().text;
  }
  expect_all_stopped();
}

// Nobody restarts anything: the reader is refused, the lane is taken again, and that shows it.
TEST_F(PositionLost, RecreatedUnderARunningWorker) {
  WorkerProcess& worker = scenario.start_worker();
  ASSERT_TRUE(worker.says({"lane.taken", "progress_events/0"})) << worker.tail();
  ASSERT_TRUE(worker.says({"lane.taken", "progress_events/1"})) << worker.tail();
  scenario.recreate_topic();
  for (int partition = 0; partition < 2; ++partition) {
    ASSERT_TRUE(worker.says(
        {"lane.stopped", "position_lost", "progress_events/" + std::to_string(partition)}))
        << worker.tail();
  }
  scenario.publish(second.records);
  EXPECT_EQ(state(), before);
}

}  // namespace
}  // namespace spool::test
