// Dead letters of other systems go back to where they came from: against a real broker.
#include <poll.h>

#include <atomic>
#include <thread>

#include "engine/kafka/consumer.hpp"
#include "engine/kafka/producer.hpp"
#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::chrono::seconds kLimit{30};

class ForeignCliTest : public CliTest {
 protected:
  ForeignCliTest() {
    environment_["SPOOL__REPLAY__ALLOW_TOPICS"] = topic_;
    cluster_ = std::move(kafka::Cluster::open({servers(), "test", {}})).value();
    const std::vector<kafka::TopicSpec> specs = {{topic_, 3, 1, {}}, {dead_, 2, 1, {}}};
    EXPECT_TRUE(cluster_->create_topics(specs, kLimit).ok());
    for (const kafka::TopicSpec& spec : specs) {
      while (!cluster_->partition_count(spec.name, kLimit).ok()) {
      }
    }
    kafka::ProducerSettings settings;
    settings.bootstrap_servers = servers();
    producer_ = std::move(kafka::Producer::open(settings)).value();
  }
  static std::string servers() { return variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS"); }

  // A dead letter as Spring's recoverer leaves it.
  void dead(std::int32_t partition, const std::string& value, const std::string& topic,
            std::string_view origin_partition = "\x00\x00\x00\x02"sv) {
    const std::vector<message::Header> headers = {
        {"trace", "t-1"},
        {"kafka_dlt-original-topic", topic},
        {"kafka_dlt-original-partition", origin_partition},
        {"kafka_dlt-original-offset", "\x00\x00\x00\x00\x00\x00\x00\x07"sv},
        {"kafka_dlt-exception-fqcn", "java.lang.IllegalStateException"}};
    publish(partition, value, headers);
  }
  void publish(std::int32_t partition, const std::string& value,
               const std::vector<message::Header>& headers) {
    kafka::OutboundRecord record;
    record.topic = dead_;
    record.key = "k";
    record.value = value;
    record.headers = headers;
    record.partition = partition;
    ASSERT_TRUE(producer_->publish(record).ok());
    for (const kafka::Delivery& one : producer_->flush(kLimit)) ASSERT_TRUE(one.status.ok());
  }
  std::int64_t end_of(std::int32_t partition) {
    return cluster_->watermarks(topic_, partition, kLimit).value().high;
  }
  Ended redrive(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"replay", "foreign",  "--topic", dead_, "--to",
                                      topic_,   "--reason", "r",       "-o",  "jsonl"};
    words.insert(words.end(), more.begin(), more.end());
    return spool(words);
  }

  std::string dead_ = topic_ + ".dlt";  // deleted with the topic
  std::unique_ptr<kafka::Cluster> cluster_;
  std::unique_ptr<kafka::Producer> producer_;
};

TEST_F(ForeignCliTest, WhatCameFromTheTopicGoesBackThereOnce) {
  dead(0, "a", topic_);
  dead(1, "b", topic_);
  dead(0, "other", "somewhere.else");
  publish(1, "none", {});
  const Ended dry = redrive({"--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(
      dry.out,
      AllOf(HasSubstr("{\"count\": 2, \"verdict\": \"publish\", \"because\": null,"),
            HasSubstr("\"origin\": \"somewhere.else\""), HasSubstr("\"because\": \"no_origin\"")));
  EXPECT_EQ(end_of(2), 0);
  const Ended first = redrive();
  EXPECT_EQ(first.code, 3) << first.out << first.err;
  EXPECT_THAT(first.err, HasSubstr("2 published to " + topic_ + ", 2 skipped"));
  EXPECT_EQ(end_of(2), 2) << "to the partition that they came from";
  const Ended second = redrive();
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(end_of(2), 2) << "the group knows how far it has come";
  dead(0, "c", topic_);
  EXPECT_EQ(redrive().code, 0);
  EXPECT_EQ(end_of(2), 3);
  EXPECT_EQ(database_.value("select string_agg(action || coalesce(detail ->> 'published', ''), ' '"
                            " order by number) from spool.audit_log"),
            "foreign.start foreign.finished2 foreign.start foreign.finished0 foreign.start "
            "foreign.finished1");
}

TEST_F(ForeignCliTest, KeyValueAndHeadersStayAndTheReplayIsNamed) {
  dead(0, std::string("\xff\x00 bytes", 8), topic_);
  ASSERT_EQ(redrive().code, 0);
  kafka::ConsumerSettings settings;
  settings.bootstrap_servers = servers();
  settings.topic = topic_;
  settings.group = topic_;
  const auto consumer = std::move(kafka::Consumer::open(settings)).value();
  message::RecordBatch batch;
  while (batch.empty()) {
    for (auto event = consumer->poll(); event.index() != 0; event = consumer->poll()) {
      if (!std::holds_alternative<kafka::Consumer::Assigned>(event)) continue;
      const kafka::Start start{2, 0};
      ASSERT_TRUE(consumer->assign({&start, 1}).ok());
    }
    consumer->poll_partition(2, batch, 10, 1UL << 20);
  }
  const message::Record record = batch.record(0);
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.value, "\xff\x00 bytes"sv);
  ASSERT_EQ(record.headers.size(), 6U);
  EXPECT_EQ(record.headers[0].name, "trace");
  EXPECT_EQ(record.headers[3].value, "\x00\x00\x00\x00\x00\x00\x00\x07"sv);
  EXPECT_EQ(record.headers[5].name, "spool-replay-id");
  EXPECT_EQ(*record.headers[5].value,
            database_.value("select detail ->> 'replay_id' from spool.audit_log limit 1"));
}

TEST_F(ForeignCliTest, ALimitEndsItAndTheNextOneGoesOn) {
  for (int i = 0; i < 5; ++i) dead(0, std::to_string(i), topic_);
  EXPECT_EQ(redrive({"--limit", "2"}).code, 0);
  EXPECT_EQ(end_of(2), 2);
  EXPECT_EQ(redrive().code, 0);
  EXPECT_EQ(end_of(2), 5);
  EXPECT_EQ(redrive({"--from-start", "--limit", "1"}).code, 0);
  EXPECT_EQ(end_of(2), 6);
}

TEST_F(ForeignCliTest, OnlyTopicsThatAreAllowedAreWrittenTo) {
  dead(0, "a", topic_);
  environment_["SPOOL__REPLAY__ALLOW_TOPICS"] = "another";
  const Ended refused = redrive();
  EXPECT_EQ(refused.code, 7);
  EXPECT_THAT(refused.err, HasSubstr("replay.allow_topics"));
  EXPECT_EQ(end_of(2), 0);
  EXPECT_EQ(database_.value("select count(*) from spool.audit_log"), "0");
  expect_code(4, {"replay", "foreign", "--topic", "no.such.topic", "--to", topic_, "--dry-run"});
}

TEST_F(ForeignCliTest, TwoOfOneTopicDoNotRunAtTheSameTime) {
  dead(0, "a", topic_);
  kafka::ConsumerSettings settings;
  settings.bootstrap_servers = servers();
  settings.topic = dead_;
  settings.group = "spool.redrive." + dead_;
  const auto other = std::move(kafka::Consumer::open(settings)).value();
  std::atomic<bool> joined = false;
  std::atomic<bool> stop = false;
  std::thread member([&] {
    while (!stop) {
      for (auto event = other->poll(); event.index() != 0; event = other->poll()) {
        if (std::holds_alternative<kafka::Consumer::Revoked>(event)) other->unassign();
        if (!std::holds_alternative<kafka::Consumer::Assigned>(event)) continue;
        EXPECT_TRUE(other->assign({}).ok());
        joined = true;
      }
      pollfd readable{other->wake_fd(), POLLIN, 0};
      ::poll(&readable, 1, 50);
      other->drain_wake();
    }
  });
  while (!joined) std::this_thread::yield();
  const Ended refused = redrive();
  stop = true;
  member.join();
  EXPECT_EQ(refused.code, 5) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("another redrive of " + dead_ + " is running"));
  EXPECT_EQ(end_of(2), 0);
}

TEST_F(ForeignCliTest, APartitionThatIsNotThereAnyMoreGivesWayToTheKey) {
  dead(0, "a", topic_, "\x00\x00\x00\x09"sv);
  EXPECT_EQ(redrive().code, 0);
  EXPECT_EQ(end_of(0) + end_of(1) + end_of(2), 1);
}

}  // namespace
}  // namespace spool::test
