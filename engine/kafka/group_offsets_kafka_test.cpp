#include "engine/kafka/group_offsets.hpp"

#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using Offsets = std::map<std::int32_t, std::int64_t>;

TEST(GroupOffsets, AreWhatAMemberHasCommitted) {
  const TestTopic topic(3);
  const std::string group = unique("group");
  const ClusterSettings where{bootstrap(), "test", {}};
  const auto none = group_offsets(where, group, topic.name(), 3, kLimit);
  ASSERT_TRUE(none.ok()) << none.failure().text;
  EXPECT_TRUE(none->empty());

  const auto producer = open_producer();
  fill(*producer, topic.name(), 1, 4);
  Member member(member_settings(topic.name(), group));
  ASSERT_TRUE(run_until({&member}, [&] { return member.records[1].size() == 4; }));
  const Start done{1, 4};
  member.consumer->commit({&done, 1});
  ASSERT_TRUE(run_until({&member}, [&] { return !member.commits.empty(); }));
  const auto some = group_offsets(where, group, topic.name(), 3, kLimit);
  ASSERT_TRUE(some.ok()) << some.failure().text;
  EXPECT_EQ(*some, (Offsets{{1, 4}}));
}

TEST(GroupOffsets, SilenceOfTheBrokersIsAFailure) {
  const auto answer = group_offsets({"127.0.0.1:1", "test", {}}, "g", "t", 1, milliseconds(300));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.failure().kind, base::FailureKind::unavailable);
}

}  // namespace
}  // namespace spool::kafka
