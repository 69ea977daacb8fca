#include "engine/kafka/cluster.hpp"

#include <gmock/gmock.h>

#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using base::FailureKind;
using testing::IsEmpty;

TEST(ClusterKafka, HasAnId) {
  const auto cluster = open_cluster();
  const auto id = cluster->cluster_id(kLimit);
  ASSERT_TRUE(id.ok());
  EXPECT_FALSE(id->empty());
}

TEST(ClusterKafka, CreatesDescribesAltersAndDeletes) {
  const auto cluster = open_cluster();
  const TopicSpec spec{unique("topic"), 3, 1, {{"retention.ms", "3600000"}}};
  const auto differences = [&](const TopicSpec& wanted) {
    const auto found = cluster->describe_topic(spec.name, kLimit);
    EXPECT_TRUE(found.ok());
    return plan({wanted}, found->has_value() ? std::vector{**found} : std::vector<TopicSpec>{});
  };
  EXPECT_EQ(differences(spec).at(0).kind, DifferenceKind::create);
  ASSERT_TRUE(cluster->create_topics({&spec, 1}, kLimit).ok());
  EXPECT_TRUE(cluster->create_topics({&spec, 1}, kLimit).ok());  // exists: fine
  EXPECT_TRUE(eventually([&] { return differences(spec).empty(); }));
  EXPECT_EQ(cluster->partition_count(spec.name, kLimit).value(), 3);

  TopicSpec wanted = spec;
  wanted.config["max.message.bytes"] = "2000000";
  EXPECT_EQ(differences(wanted).size(), 1U);
  ASSERT_TRUE(
      cluster->alter_topic_config(spec.name, {{"max.message.bytes", "2000000"}}, kLimit).ok());
  EXPECT_TRUE(eventually([&] { return differences(wanted).empty(); }));  // retention.ms is kept

  ASSERT_TRUE(cluster->delete_topic(spec.name, kLimit).ok());
  EXPECT_TRUE(eventually([&] {
    const auto found = cluster->describe_topic(spec.name, kLimit);
    return found.ok() && !found->has_value();
  }));
  EXPECT_EQ(cluster->delete_topic(spec.name, kLimit).failure().kind, FailureKind::not_found);
  EXPECT_EQ(cluster->partition_count(spec.name, kLimit).failure().kind, FailureKind::not_found);
}

TEST(ClusterKafka, ABadSpecIsInvalid) {
  const auto cluster = open_cluster();
  const TopicSpec config{unique("topic"), 1, 1, {{"no.such.key", "1"}}};
  EXPECT_EQ(cluster->create_topics({&config, 1}, kLimit).failure().kind, FailureKind::invalid);
  const TopicSpec copies{unique("topic"), 1, 7, {}};
  EXPECT_EQ(cluster->create_topics({&copies, 1}, kLimit).failure().kind, FailureKind::invalid);
}

TEST(ClusterKafka, WatermarksFollowTheLog) {
  TestTopic topic(2);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 1, 10);
  auto marks = topic.cluster().watermarks(topic.name(), 1, kLimit);
  ASSERT_TRUE(marks.ok());
  EXPECT_EQ(marks->low, 0);
  EXPECT_EQ(marks->high, 10);
  ASSERT_TRUE(topic.cluster().delete_records(topic.name(), 1, 4, kLimit).ok());
  marks = topic.cluster().watermarks(topic.name(), 1, kLimit);
  ASSERT_TRUE(marks.ok());
  EXPECT_EQ(marks->low, 4);
  EXPECT_EQ(topic.cluster().watermarks(topic.name(), 2, seconds(5)).failure().kind,
            FailureKind::not_found);
  EXPECT_EQ(topic.cluster().delete_records(topic.name(), 1, 99, kLimit).failure().kind,
            FailureKind::invalid);
}

TEST(ClusterKafka, NobodyThereIsUnavailableByTheDeadline) {
  auto cluster = Cluster::open({"127.0.0.1:1", "test", {}});
  ASSERT_TRUE(cluster.ok());
  constexpr milliseconds kShort{200};
  EXPECT_EQ((*cluster)->cluster_id(kShort).failure().kind, FailureKind::unavailable);
  EXPECT_EQ((*cluster)->partition_count("t", kShort).failure().kind, FailureKind::unavailable);
  EXPECT_EQ((*cluster)->watermarks("t", 0, kShort).failure().kind, FailureKind::unavailable);
  const TopicSpec spec{"t", 1, 1, {}};
  EXPECT_EQ((*cluster)->create_topics({&spec, 1}, kShort).failure().kind, FailureKind::unavailable);
}

}  // namespace
}  // namespace spool::kafka
