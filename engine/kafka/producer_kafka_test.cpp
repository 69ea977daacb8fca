#include "engine/kafka/producer.hpp"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "engine/kafka/handles.hpp"
#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using base::FailureKind;
using testing::SizeIs;

TEST(ProducerKafka, ReportsEachRecordUnderItsTag) {
  TestTopic topic(3);
  const auto producer = open_producer();
  producer->prepare(topic.name());
  for (std::uint64_t tag = 0; tag < 3; ++tag) {
    OutboundRecord record;
    record.topic = topic.name();
    record.value = "x";
    record.partition = 2;
    record.tag = tag;
    ASSERT_TRUE(producer->publish(record).ok());
  }
  const auto deliveries = producer->flush(kLimit);
  ASSERT_THAT(deliveries, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(deliveries[i].status.ok());
    EXPECT_EQ(deliveries[i].tag, i);
    EXPECT_EQ(deliveries[i].partition, 2);
    EXPECT_EQ(deliveries[i].offset, static_cast<std::int64_t>(i));
  }
}

TEST(ProducerKafka, ARecordThatTheTopicDoesNotAllowIsRefusedAndDelaysNoOther) {
  TestTopic topic(1, {{"max.message.bytes", "100000"}});
  const auto producer = open_producer();
  std::string incompressible(150'000, 'x');
  std::uint32_t state = 1;
  for (char& c : incompressible) {
    state = state * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(state >> 24);
  }
  OutboundRecord record;
  record.topic = topic.name();
  record.value = incompressible;
  record.tag = 1;
  ASSERT_TRUE(producer->publish(record).ok());
  record.value = "small";
  record.tag = 2;
  ASSERT_TRUE(producer->publish(record).ok());
  std::map<std::uint64_t, base::Status> fate;
  for (const Delivery& delivery : producer->flush(kLimit)) fate[delivery.tag] = delivery.status;
  ASSERT_THAT(fate, SizeIs(2));
  ASSERT_FALSE(fate[1].ok());
  EXPECT_EQ(fate[1].failure().kind, FailureKind::refused) << fate[1].failure().text;
  EXPECT_TRUE(fate[2].ok());
}

TEST(ProducerKafka, ARecordBeyondTheClientsOwnLimitIsRefusedAtOnce) {
  TestTopic topic(1);
  const auto producer = open_producer();
  const std::string large(9 * 1024 * 1024, 'x');
  OutboundRecord record;
  record.topic = topic.name();
  record.value = large;
  const base::Status status = producer->publish(record);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::refused);
}

TEST(ProducerKafka, AnUnknownTopicIsUnavailable) {
  const auto producer =
      open_producer({{"topic.metadata.propagation.max.ms", "100"}, {"message.timeout.ms", "3000"}});
  OutboundRecord record;
  record.topic = "test.no-such-topic";
  record.value = "x";
  ASSERT_TRUE(producer->publish(record).ok());
  const auto deliveries = producer->flush(kLimit);
  ASSERT_THAT(deliveries, SizeIs(1));
  ASSERT_FALSE(deliveries[0].status.ok());
  EXPECT_EQ(deliveries[0].status.failure().kind, FailureKind::unavailable);
}

TEST(ProducerKafka, AFullQueueIsUnavailableAndNobodyIsReportedTwice) {
  TestTopic topic(1);
  const auto producer =
      open_producer({{"queue.buffering.max.messages", "3"}, {"linger.ms", "1000"}});
  OutboundRecord record;
  record.topic = topic.name();
  record.value = "x";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(producer->publish(record).ok());
  const base::Status status = producer->publish(record);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::unavailable);
  EXPECT_THAT(producer->flush(kLimit), SizeIs(3));
}

using MockHandle = std::unique_ptr<rd_kafka_mock_cluster_t, Deleter<rd_kafka_mock_cluster_destroy>>;

TEST(ProducerKafka, AClientThatDiedIsReplacedAfterEveryRecordHasItsReport) {
  const ClientHandle host(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0));
  const MockHandle mock(rd_kafka_mock_cluster_new(host.get(), 1));
  rd_kafka_mock_topic_create(mock.get(), "out", 1, 1);
  ProducerSettings settings;
  settings.bootstrap_servers = rd_kafka_mock_cluster_bootstraps(mock.get());
  auto opened = Producer::open(settings);
  ASSERT_TRUE(opened.ok());
  Producer& producer = **opened;
  producer.prepare("out");
  OutboundRecord record;
  record.topic = "out";
  record.value = "x";
  ASSERT_TRUE(producer.publish(record).ok());
  ASSERT_TRUE(producer.flush(kLimit).at(0).status.ok());

  constexpr std::int16_t kProduce = 0;
  rd_kafka_mock_push_request_errors(mock.get(), kProduce, 1,
                                    RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
  std::set<std::uint64_t> waiting;
  for (std::uint64_t tag = 1; tag <= 20; ++tag) {
    record.tag = tag;
    if (producer.publish(record).ok()) waiting.insert(tag);
  }
  ASSERT_THAT(waiting, SizeIs(20));
  const auto deadline = steady_clock::now() + kLimit;
  while (producer.rebuilds() == 0 && steady_clock::now() < deadline) {
    pollfd ready{producer.wake_fd(), POLLIN, 0};
    ::poll(&ready, 1, 1000);
    producer.drain_wake();
    for (auto some = producer.poll(); !some.empty(); some = producer.poll()) {
      for (const Delivery& delivery : some) {
        EXPECT_EQ(waiting.erase(delivery.tag), 1U);
        if (!delivery.status.ok()) {
          EXPECT_EQ(delivery.status.failure().kind, FailureKind::unavailable);
        }
      }
    }
  }
  EXPECT_EQ(producer.rebuilds(), 1U);
  EXPECT_THAT(waiting, SizeIs(0));
  ASSERT_TRUE(producer.publish(record).ok());
  const auto deliveries = producer.flush(kLimit);
  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_TRUE(deliveries[0].status.ok());
}

}  // namespace
}  // namespace spool::kafka
