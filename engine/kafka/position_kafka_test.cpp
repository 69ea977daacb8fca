// Where a partition starts, where it ends, and what becomes of what was fetched before.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <random>

#include "engine/kafka/consumer.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Position, TheEndIsToldForAnEmptyPartitionAndAgainAfterEachGrowth) {
  TestTopic topic(1);
  Member member(member_settings(topic.name(), unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends.contains(0); }));
  EXPECT_EQ(member.ends[0], 0);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, 3);
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[0] == 3; }));
  EXPECT_THAT(member.records[0], SizeIs(3));
}

void publish_transaction(const std::string& topic, bool commit) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "transactional.id", unique("tx").c_str(), nullptr, 0);
  const ClientHandle client(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
  ASSERT_EQ(ErrorHandle(rd_kafka_init_transactions(client.get(), 30'000)), nullptr);
  ASSERT_EQ(ErrorHandle(rd_kafka_begin_transaction(client.get())), nullptr);
  char value[] = "x";
  ASSERT_EQ(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                              RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE(value, 1),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_flush(client.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  const ErrorHandle error(commit ? rd_kafka_commit_transaction(client.get(), 30'000)
                                 : rd_kafka_abort_transaction(client.get(), 30'000));
  ASSERT_EQ(error, nullptr);
}

TEST(Position, TheEndCountsControlAndAbortedRecordsAtTheTail) {
  TestTopic topic(1);
  publish_transaction(topic.name(), true);  // record 0, control record 1
  Member member(member_settings(topic.name(), unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[0] == 2; }));
  EXPECT_THAT(member.records[0], SizeIs(1));
  publish_transaction(topic.name(), false);  // aborted record 2, control record 3
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[0] == 4; }));
  EXPECT_THAT(member.records[0], SizeIs(1));
}

TEST(Position, AnOffsetThatTheLogDoesNotHaveIsAPositionFailure) {
  TestTopic topic(2);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, 10);
  fill(*producer, topic.name(), 1, 10);
  ASSERT_TRUE(topic.cluster().delete_records(topic.name(), 0, 5, kLimit).ok());
  Member member(member_settings(topic.name(), unique("group")));
  member.own_next = {{0, 4}, {1, 11}};  // the first is deleted, the second was never written
  ASSERT_TRUE(run_until({&member}, [&] { return member.failures.size() == 2; }));
  for (const auto& failed : member.failures) {
    EXPECT_EQ(failed.failure.kind, base::FailureKind::position) << failed.failure.text;
  }
  EXPECT_THAT(member.records[0], IsEmpty());
  EXPECT_THAT(member.records[1], IsEmpty());

  // Placed anew, both go on; the old failures do not come back.
  const Start good[] = {{0, 5}, {1, 10}};
  ASSERT_TRUE(member.consumer->assign(good).ok());
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[0] == 10 && member.ends[1] == 10; }));
  EXPECT_THAT(member.records[0], SizeIs(5));
  EXPECT_THAT(member.failures, SizeIs(2));
}

// Replaces the assignment many times in the middle of a stream; what comes first must be the record
// that was asked for, and what follows must follow.
TEST(Position, AfterANewAssignmentNothingOfTheOldOneIsDelivered) {
  constexpr std::int64_t kRecords = 50'000;
  TestTopic topic(2);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, kRecords, 100);
  fill(*producer, topic.name(), 1, kRecords, 100);
  Member member(member_settings(topic.name(), unique("group")));
  ASSERT_TRUE(run_until({&member}, [&] { return member.assignments == 1; }));
  std::mt19937 random(7);
  const auto below = [&](std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random);
  };
  for (int round = 0; round < 60; ++round) {
    const Start starts[] = {{0, below(kRecords)}, {1, below(kRecords)}};
    ASSERT_TRUE(member.consumer->assign(starts).ok());
    member.records.clear();
    if (below(4) == 0) continue;  // replaced before anything could arrive
    member.blocked = {0, 1};
    const auto wanted = static_cast<std::size_t>(1 + below(2'000));
    ASSERT_TRUE(run_until({&member},
                          [&] {
                            for (const Start& start : starts)
                              member.take_partition(start.partition, wanted);
                            return !member.records[0].empty() && !member.records[1].empty();
                          }))
        << "round " << round;
    for (const Start& start : starts) {
      std::int64_t expected = start.offset;
      for (const Seen& seen : member.records[start.partition]) {
        ASSERT_EQ(seen.offset, expected++) << "round " << round;
      }
    }
  }
}

bool has_failure(const Member& member, base::FailureKind kind) {
  return std::ranges::any_of(member.failures,
                             [&](const auto& failed) { return failed.failure.kind == kind; });
}

// The group notices neither: there is no Revoked. The partition says first that it is gone, and
// once the new topic is known, that it does not have the position.
TEST(Position, ARecreatedTopicIsToldThroughThePartition) {
  TestTopic topic(1);
  const auto producer = open_producer();
  fill(*producer, topic.name(), 0, 10);
  auto settings = member_settings(topic.name(), unique("group"));
  settings.properties["topic.metadata.refresh.interval.ms"] = "500";
  Member member(settings);
  ASSERT_TRUE(run_until({&member}, [&] { return member.ends[0] == 10; }));
  ASSERT_TRUE(topic.cluster().delete_topic(topic.name(), kLimit).ok());
  ASSERT_TRUE(
      run_until({&member}, [&] { return has_failure(member, base::FailureKind::not_found); }));
  topic.create();
  ASSERT_TRUE(
      run_until({&member}, [&] { return has_failure(member, base::FailureKind::position); }));
  EXPECT_EQ(member.revocations, 0);

  const Start start{0, 0};
  ASSERT_TRUE(member.consumer->assign({&start, 1}).ok());
  member.records.clear();
  fill(*open_producer(), topic.name(), 0, 5);
  EXPECT_TRUE(run_until({&member}, [&] { return member.records[0].size() == 5; }));
}

}  // namespace
}  // namespace spool::kafka
