// Members come and go while records flow: each record is delivered exactly once when every owner
// starts where the last one stopped.
#include <gmock/gmock.h>

#include "engine/kafka/consumer.hpp"
#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;

constexpr std::int32_t kPartitions = 4;
constexpr std::int64_t kPerRound = 2'000;

class RebalanceKafka : public testing::TestWithParam<const char*> {};

TEST_P(RebalanceKafka, NothingIsLostOrDeliveredTwice) {
  TestTopic topic(kPartitions);
  const auto producer = open_producer();
  auto settings = member_settings(topic.name(), unique("group"));
  settings.assignor = GetParam();
  std::map<std::int32_t, std::int64_t> next;  // what the database would remember
  std::int64_t published = 0;
  const auto publish_more = [&] {
    for (std::int32_t p = 0; p < kPartitions; ++p) fill(*producer, topic.name(), p, kPerRound);
    published += kPerRound;
  };
  const auto all_read = [&] {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      if (next[p] != published) return false;
    }
    return true;
  };

  Member first(settings);
  first.next = &next;
  publish_more();
  ASSERT_TRUE(run_until({&first}, all_read));

  Member second(settings);
  second.next = &next;
  publish_more();
  ASSERT_TRUE(run_until({&first, &second}, [&] {
    return first.owned.size() == 2 && second.owned.size() == 2 && all_read();
  }));

  first.consumer->close();
  publish_more();
  ASSERT_TRUE(run_until({&first, &second}, [&] {
    return first.consumer->closed() && second.owned.size() == kPartitions && all_read();
  }));
  EXPECT_GE(first.revocations, 2);

  for (std::int32_t p = 0; p < kPartitions; ++p) {
    std::vector<std::int64_t> offsets;
    for (Member* member : {&first, &second}) {
      for (const Seen& seen : member->records[p]) offsets.push_back(seen.offset);
    }
    std::ranges::sort(offsets);
    ASSERT_EQ(offsets.size(), static_cast<std::size_t>(published));
    for (std::int64_t i = 0; i < published; ++i) {
      ASSERT_EQ(offsets[static_cast<std::size_t>(i)], i);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Assignors, RebalanceKafka, testing::Values("range", "roundrobin"));

}  // namespace
}  // namespace spool::kafka
