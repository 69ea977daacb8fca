// The story: hundreds of events are dead of one cause that is mended now. Two operators replay all
// of them at the same time, and somebody publishes the records of the dead-letter topic again, with
// their headers, some to the main topic and some to a retry topic. Each event is applied once. The
// handler's table would take them as often as they come.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

const std::string kHandler = "drill_inbox";
constexpr int kDead = 600;

// What a hand with kcat would publish.
std::vector<GeneratedRecord> copies_of(const std::vector<TopicRecord>& records) {
  std::vector<GeneratedRecord> copies;
  for (const TopicRecord& record : records) {
    GeneratedRecord copy;
    copy.partition = record.partition;
    copy.key = record.key.value_or("");
    copy.value = record.value;
    for (const auto& [name, value] : record.headers)
      copy.headers.emplace_back(name, value.value_or(""));
    copies.push_back(std::move(copy));
  }
  return copies;
}

class OperatorsAndAHand : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < kDead; ++i)
      events.push_back({.id = "e-" + std::to_string(i),
                        .key = "k" + std::to_string(i % 50),
                        .fail = kAlways,
                        .type = "upstream.not_found",
                        .lives = 1});
    stage.publish(events, kHandler);
    stage.start_worker();
    ASSERT_TRUE(stage.wait_settled()) << stage.logs();
    ASSERT_EQ(stage.dead("open", kHandler), kDead) << stage.logs();
    letters = copies_of(stage.read(stage.dead_letter_topic(kHandler)));
    ASSERT_EQ(letters.size(), static_cast<std::size_t>(kDead));
  }

  // The records in the retry topic are no part of what the lanes count: their effect is awaited.
  void expect_each_applied_once() {
    ASSERT_TRUE(stage.wait_until([&] { return stage.dead("resolved", kHandler) == kDead; }))
        << stage.logs();
    ASSERT_TRUE(stage.wait_settled()) << stage.logs();
    EXPECT_EQ(stage.applied(kHandler), kDead);
    EXPECT_EQ(stage.number("select count(distinct event_id) from drill.effects"), kDead);
    EXPECT_EQ(stage.number("select count(*) from drill.effects where life <> 1"), 0);
    stage.expect_conserved();
  }

  void expect_applied_in_order() {
    EXPECT_EQ(stage.number("select count(*) from drill.effects e where exists (select from"
                           " drill.effects f where f.order_key = e.order_key and"
                           " substr(f.event_id, 3)::int < substr(e.event_id, 3)::int"
                           " and f.serial > e.serial)"),
              0)
        << "not in the order of their origin";
  }

  void expect_counted_as_replayed() {
    EXPECT_TRUE(stage.wait_metric(
        *stage.workers().back(),
        "spool_replay_records_total.*published.* " + std::to_string(kDead) + "$"));
  }

  // Companions' positions pass what was published: everything in there has been read.
  bool wait_companion_read(std::size_t rung) {
    const std::string topic = stage.retry_topic(rung, kHandler);
    const auto end = stage.end_offsets(topic, stage.partitions());
    return stage.wait_true("select coalesce(sum(next_offset), 0) = " + std::to_string(end) +
                           " from spool.lane_companions where topic = '" + topic + "'");
  }

  DrillStage stage{{.partitions = 4, .handlers = {kHandler}}};
  std::vector<DrillEvent> events;
  std::vector<GeneratedRecord> letters;
};

// Whoever asks for a later event of a key first gets it first; each comes once all the same.
TEST_F(OperatorsAndAHand, AllAtOnce) {
  const auto first = stage.command(DrillStage::Command::replay);
  stage.publish_to(stage.topic(kHandler), letters, 0, kDead / 2);
  const auto second = stage.command(DrillStage::Command::replay);
  stage.publish_to(stage.retry_topic(0, kHandler), letters, kDead / 3, kDead);
  ASSERT_TRUE(stage.wait_finished(first)) << stage.logs();
  ASSERT_TRUE(stage.wait_finished(second)) << stage.logs();
  ASSERT_TRUE(wait_companion_read(0)) << stage.logs();
  expect_each_applied_once();
}

TEST_F(OperatorsAndAHand, TheHandAlone) {
  stage.publish_to(stage.topic(kHandler), letters);
  expect_each_applied_once();
  expect_applied_in_order();
  expect_counted_as_replayed();
}

TEST_F(OperatorsAndAHand, TheHandAloneByTheRetryTopic) {
  stage.publish_to(stage.retry_topic(1, kHandler), letters);
  ASSERT_TRUE(wait_companion_read(1)) << stage.logs();
  expect_each_applied_once();
  expect_applied_in_order();
  expect_counted_as_replayed();
}

// A request for a life that is over asks for nothing any more.
TEST_F(OperatorsAndAHand, OnceMoreAYearLater) {
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay))) << stage.logs();
  expect_each_applied_once();
  expect_applied_in_order();
  stage.publish_to(stage.topic(kHandler), letters);
  stage.publish_to(stage.retry_topic(0, kHandler), letters);
  EXPECT_TRUE(stage.command(DrillStage::Command::replay).empty()) << "nothing is dead any more";
  ASSERT_TRUE(wait_companion_read(0)) << stage.logs();
  expect_each_applied_once();
}

// The window of the inbox has passed; what was dead once is known all the same.
TEST_F(OperatorsAndAHand, AfterTheInboxForgot) {
  stage.database().execute("truncate spool.inbox");
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay))) << stage.logs();
  expect_each_applied_once();
  stage.database().execute("truncate spool.inbox");
  stage.publish(events, kHandler);
  expect_each_applied_once();
}

}  // namespace
}  // namespace spool::test
