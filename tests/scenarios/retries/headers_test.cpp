// The story: an event fails at every attempt. Each rung of the ladder carries a record of it, and
// at the end the dead-letter topic: key, value and headers as they were published, and beside them
// what other systems and people go by, name by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/time.hpp"
#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using ::testing::ElementsAreArray;
using ::testing::StartsWith;

using namespace std::chrono_literals;

class RetryHeaders : public ::testing::Test {
 protected:
  void SetUp() override {
    event = record_of({.id = "e-1", .key = "k1", .fail = kAlways, .type = "upstream.timeout"},
                      stage.partitions());
    event.headers.emplace_back("ce_traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad-01");
    event.headers.emplace_back("ce_correlationid", "c-7");
    event.headers.emplace_back("anything", "of the producer's");
    stage.publish_to(stage.topic(), {event});
    stage.start_worker();
    ASSERT_TRUE(stage.wait_settled()) << stage.logs();
    ASSERT_EQ(stage.dead(), 1) << stage.logs();
  }

  TopicRecord only_record_of(const std::string& topic) {
    const auto records = stage.read(topic);
    EXPECT_EQ(records.size(), 1U) << topic;
    return records.empty() ? TopicRecord{} : records.front();
  }

  void expect_untouched(const TopicRecord& record) {
    EXPECT_EQ(record.partition, event.partition);
    EXPECT_EQ(record.key, event.key);
    EXPECT_EQ(record.value, event.value);
    ASSERT_GE(record.headers.size(), event.headers.size());
    for (std::size_t i = 0; i < event.headers.size(); ++i) {
      EXPECT_EQ(record.headers[i].first, event.headers[i].first);
      EXPECT_EQ(record.headers[i].second, event.headers[i].second);
    }
  }

  std::vector<std::string> added_names(const TopicRecord& record) {
    std::vector<std::string> names;
    for (std::size_t i = event.headers.size(); i < record.headers.size(); ++i)
      names.push_back(record.headers[i].first);
    std::sort(names.begin(), names.end());
    return names;
  }

  void expect_facts(const TopicRecord& record) {
    EXPECT_EQ(record.header("spool-life"), "0");
    EXPECT_EQ(record.header("spool-handler"), "drill");
    EXPECT_EQ(record.header("spool-error-type"), "upstream.timeout");
    EXPECT_THAT(record.header("spool-error-message"), StartsWith("as told, attempt "));
    EXPECT_NE(record.header("spool-release"), "");
    const auto origin = stage.read(stage.topic());
    ASSERT_EQ(origin.size(), 1U);
    EXPECT_EQ(record.header("spool-origin-timestamp"), std::to_string(origin[0].timestamp_ms));
    EXPECT_EQ(time_of(record, "spool-first-seen"), first_failed_at());
  }

  // When the first attempt was made.
  base::EpochMicros first_failed_at() {
    const History history = stage.history({});
    EXPECT_FALSE(history.attempted.empty());
    return history.attempted.empty() ? 0 : history.attempted.front().at_us;
  }

  static base::EpochMicros time_of(const TopicRecord& record, const char* header) {
    const auto time = base::parse_rfc3339(record.header(header));
    EXPECT_TRUE(time) << header << ": " << record.header(header);
    return time.value_or(0);
  }

  DrillStage stage{{.partitions = 2, .delays = {50ms, 100ms}}};
  GeneratedRecord event;
};

TEST_F(RetryHeaders, OfEachRung) {
  for (std::size_t rung = 0; rung < 2; ++rung) {
    SCOPED_TRACE("rung " + std::to_string(rung));
    const TopicRecord record = only_record_of(stage.retry_topic(rung));
    expect_untouched(record);
    expect_facts(record);
    EXPECT_THAT(added_names(record),
                ElementsAreArray({"spool-attempt", "spool-due-at", "spool-error-message",
                                  "spool-error-type", "spool-first-seen", "spool-handler",
                                  "spool-life", "spool-origin-timestamp", "spool-release"}));
    // The attempt that it announces.
    EXPECT_EQ(record.header("spool-attempt"), std::to_string(rung + 2));
    const std::int64_t delay_us = rung == 0 ? 50'000 : 100'000;
    const auto attempted = stage.history({}).attempted;
    ASSERT_EQ(attempted.size(), 3U);
    EXPECT_EQ(time_of(record, "spool-due-at"), attempted[rung].at_us + delay_us);
    EXPECT_GE(attempted[rung + 1].at_us, time_of(record, "spool-due-at"));
  }
}

TEST_F(RetryHeaders, OfTheDeadLetter) {
  const TopicRecord record = only_record_of(stage.dead_letter_topic());
  expect_untouched(record);
  expect_facts(record);
  EXPECT_THAT(added_names(record),
              ElementsAreArray(
                  {"__dlq.errors.delivery.count", "__dlq.errors.group", "__dlq.errors.message",
                   "__dlq.errors.offset", "__dlq.errors.partition", "__dlq.errors.topic",
                   "spool-attempt", "spool-error-message", "spool-error-type", "spool-first-seen",
                   "spool-handler", "spool-life", "spool-origin-timestamp", "spool-release"}));
  EXPECT_EQ(record.header("spool-attempt"), "3");
  EXPECT_EQ(record.header("__dlq.errors.topic"), stage.topic());
  EXPECT_EQ(record.header("__dlq.errors.partition"), std::to_string(event.partition));
  EXPECT_EQ(record.header("__dlq.errors.offset"), "0");
  EXPECT_EQ(record.header("__dlq.errors.group"), stage.topic());
  EXPECT_EQ(record.header("__dlq.errors.delivery.count"), "3");
  EXPECT_EQ(record.header("__dlq.errors.message"), record.header("spool-error-message"));
}

// A second life says which replay began it.
TEST_F(RetryHeaders, OfALaterLife) {
  const auto commands = stage.command(DrillStage::Command::replay);
  ASSERT_EQ(commands.size(), 1U);
  ASSERT_TRUE(stage.wait_finished(commands)) << stage.logs();
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_TRUE(
      stage.wait_metric(*stage.workers().back(), "spool_replay_records_total.*failed.* 1$"));
  ASSERT_EQ(stage.dead(), 1) << stage.logs();
  for (const std::string& topic :
       {stage.retry_topic(0), stage.retry_topic(1), stage.dead_letter_topic()}) {
    const auto records = stage.read(topic);
    ASSERT_EQ(records.size(), 2U) << topic;
    expect_untouched(records[1]);
    EXPECT_EQ(records[1].header("spool-life"), "1") << topic;
    EXPECT_EQ(records[1].header("spool-replay-id"), base::to_string(commands[0])) << topic;
    EXPECT_EQ(records[1].header("spool-attempt"), records[0].header("spool-attempt")) << topic;
  }
}

}  // namespace
}  // namespace spool::test
