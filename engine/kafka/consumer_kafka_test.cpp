#include "engine/kafka/consumer.hpp"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include "engine/kafka/handles.hpp"
#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(ConsumerKafka, CarriesEverythingOfARecord) {
  TestTopic topic(1);
  const auto producer = open_producer();
  const message::Header headers[] = {
      {"ce_id", "1"}, {"null", std::nullopt}, {"empty", ""}, {"ce_id", "2"}};
  OutboundRecord record;
  record.topic = topic.name();
  record.key = "";
  record.value = "";
  ASSERT_TRUE(producer->publish(record).ok());
  record.key = std::nullopt;
  record.value = std::nullopt;
  record.headers = headers;
  ASSERT_TRUE(producer->publish(record).ok());
  record.key = std::string_view("k\0y", 3);
  record.value = std::string_view("v\0", 2);
  ASSERT_TRUE(producer->publish(record).ok());
  ASSERT_THAT(producer->flush(kLimit), SizeIs(3));

  Member member(member_settings(topic.name(), unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return member.records[0].size() == 3; }));
  const auto& seen = member.records[0];
  EXPECT_EQ(seen[0].key, "");
  EXPECT_EQ(seen[0].value, "");
  EXPECT_THAT(seen[0].headers, IsEmpty());
  EXPECT_GT(seen[0].timestamp_ms, 1'600'000'000'000);
  EXPECT_EQ(seen[1].key, std::nullopt);
  EXPECT_EQ(seen[1].value, std::nullopt);
  EXPECT_THAT(seen[1].headers, ElementsAre(Pair("ce_id", "1"), Pair("null", std::nullopt),
                                           Pair("empty", ""), Pair("ce_id", "2")));
  EXPECT_EQ(seen[2].key, std::string("k\0y", 3));
  EXPECT_EQ(seen[2].value, std::string("v\0", 2));
  EXPECT_EQ(seen[2].offset, 2);
}

TEST(ConsumerKafka, AnUnpolledPartitionKeepsItsRecordsWhileOthersFlow) {
  TestTopic topic(2);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, 1'000);
  fill(*producer, topic.name(), 1, 1'000);
  Member member(member_settings(topic.name(), unique("group")));
  member.blocked = {0};
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends.contains(1); }));
  fill(*producer, topic.name(), 1, 1'000);
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[1] == 2'000; }));
  EXPECT_THAT(member.records[1], SizeIs(2'000));
  EXPECT_THAT(member.records[0], IsEmpty());
  member.blocked.clear();
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends.contains(0); }));
  ASSERT_THAT(member.records[0], SizeIs(1'000));
  for (std::size_t i = 0; i < 1'000; ++i) {
    ASSERT_EQ(member.records[0][i].value, std::to_string(i));
  }
}

TEST(ConsumerKafka, PollPartitionKeepsItsBounds) {
  TestTopic topic(1);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, 100, 1'000);
  Member member(member_settings(topic.name(), unique("group")));
  member.blocked = {0};
  message::RecordBatch batch;
  ASSERT_TRUE(run_until({&member}, [&] {
    return member.consumer->poll_partition(0, batch, 7, 1 << 20).records > 0;
  }));
  EXPECT_LE(batch.size(), 7U);
  message::RecordBatch small;
  const auto polled = member.consumer->poll_partition(0, small, 1'000, 1);
  EXPECT_EQ(polled.records, small.size());
  EXPECT_LE(small.size(), 1U);
  EXPECT_EQ(member.consumer->poll_partition(0, small, 0, 1 << 20).records, 0U);
  EXPECT_TRUE(member.consumer->poll_partition(5, small, 10, 1 << 20).emptied);
}

std::int64_t committed(const std::string& topic, const std::string& group) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "group.id", group.c_str(), nullptr, 0);
  const ClientHandle client(rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0));
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0);
  EXPECT_EQ(rd_kafka_committed(client.get(), list.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  return list->elems[0].offset;
}

TEST(ConsumerKafka, ACommitIsVisibleThroughTheGroupAndTheNewestWins) {
  TestTopic topic(1);
  const std::string group = unique("group");
  Member member(member_settings(topic.name(), group));
  ASSERT_TRUE(run_until({&member}, [&] { return member.assignments == 1; }));
  for (std::int64_t offset = 1; offset <= 50; ++offset) {
    const Start start{0, offset, "note " + std::to_string(offset)};
    member.consumer->commit({&start, 1});
  }
  // The first goes out at once, the last waits for its answer; what lay between is gone.
  ASSERT_TRUE(run_until({&member}, [&] { return member.commits.size() == 2; }));
  for (const Consumer::OffsetsCommitted& commit : member.commits) {
    EXPECT_TRUE(commit.status.ok());
    ASSERT_EQ(commit.starts.size(), 1U);
  }
  EXPECT_EQ(member.commits[0].starts[0].note, "note 1");
  EXPECT_EQ(member.commits[1].starts[0].note, "note 50") << "and not that of the one it replaced";
  EXPECT_EQ(committed(topic.name(), group), 50);
}

TEST(ConsumerKafka, ClosesBeforeTheFirstAssignment) {
  TestTopic topic(1);
  for (int i = 0; i < 5; ++i) {
    Member member(member_settings(topic.name(), unique("group")));
    member.consumer->close();
    EXPECT_TRUE(run_until({&member}, [&] { return member.consumer->closed(); }));
    EXPECT_EQ(member.assignments, 0);
  }
}

TEST(ConsumerKafka, ClosesWithAnAssignmentThatNobodyAnswered) {
  TestTopic topic(1);
  Member member(member_settings(topic.name(), unique("group")));
  member.answer_assigned = false;
  ASSERT_TRUE(run_until({&member}, [&] { return member.assignments == 1; }));
  member.consumer->close();
  EXPECT_TRUE(run_until({&member}, [&] { return member.consumer->closed(); }));
}

TEST(ConsumerKafka, CloseLeavesTheGroupThroughARevocation) {
  TestTopic topic(1);
  Member member(member_settings(topic.name(), unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return member.assignments == 1; }));
  member.consumer->close();
  EXPECT_TRUE(run_until({&member}, [&] { return member.consumer->closed(); }));
  EXPECT_EQ(member.revocations, 1);
  EXPECT_EQ(member.consumer->assign({}).failure().kind, base::FailureKind::stopped);
}

TEST(ConsumerKafka, AnUnknownTopicIsToldAndWaitedFor) {
  const std::string name = unique("topic");
  Member member(member_settings(name, unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return !member.handle_failures.empty(); }));
  EXPECT_EQ(member.handle_failures[0].failure.kind, base::FailureKind::not_found);
  EXPECT_FALSE(member.handle_failures[0].fatal);
  const auto cluster = open_cluster();
  const TopicSpec spec{name, 1, 1, {}};
  ASSERT_TRUE(cluster->create_topics({&spec, 1}, kLimit).ok());
  EXPECT_TRUE(run_until({&member}, [&] { return member.owned.contains(0); }));
  member.consumer.reset();
  EXPECT_TRUE(cluster->delete_topic(name, kLimit).ok());
}

TEST(ConsumerKafka, ASecondProcessWithTheSameInstanceIdFencesTheFirst) {
  TestTopic topic(1);
  auto settings = member_settings(topic.name(), unique("group"));
  settings.group_instance_id = "worker-1";
  Member first(settings);
  ASSERT_TRUE(run_until({&first}, [&] { return first.assignments == 1; }));
  Member second(settings);
  ASSERT_TRUE(run_until({&first, &second}, [&] { return !first.handle_failures.empty(); }));
  EXPECT_TRUE(first.handle_failures[0].fatal);
  first.consumer->close();
  EXPECT_TRUE(run_until({&first}, [&] { return first.consumer->closed(); }));
}

}  // namespace
}  // namespace spool::kafka
