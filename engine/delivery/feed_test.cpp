#include "engine/delivery/feed.hpp"

#include <gtest/gtest.h>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using test::kStart;
using test::records;

Feed begun(std::int64_t next = 0) {
  Feed feed;
  feed.begin({next, std::nullopt}, false, next);
  return feed;
}

TEST(FeedTest, hands_out_whole_slices_up_to_the_limits_but_one_at_least) {
  Feed feed = begun();
  for (std::int64_t first = 0; first < 12; first += 4)
    EXPECT_FALSE(feed.offer(records(first, first + 3), kStart));
  EXPECT_EQ(feed.records(), 12U);
  EXPECT_EQ(feed.take(1, 1).size(), 1U);
  EXPECT_EQ(feed.take(8, 1'000'000).size(), 2U);
  EXPECT_TRUE(feed.empty());
  EXPECT_EQ(feed.records(), 0U);
  EXPECT_EQ(feed.bytes(), 0U);
  EXPECT_TRUE(feed.take(8, 8).empty());
}

TEST(FeedTest, bytes_bound_what_is_handed_out) {
  Feed feed = begun();
  feed.offer(records(0, 0), kStart);
  const std::size_t bytes = feed.bytes();
  feed.offer(records(1, 1), kStart);
  EXPECT_EQ(feed.take(10, bytes).size(), 1U);
}

TEST(FeedTest, what_was_not_reached_comes_back_in_its_place) {
  Feed feed = begun();
  feed.offer(records(0, 1), kStart);
  feed.offer(records(2, 3), kStart);
  feed.offer(records(4, 5, 77), kStart);
  auto taken = feed.take(4, 1'000'000);
  ASSERT_EQ(taken.size(), 2U);
  feed.put_back(std::move(taken), 3);
  EXPECT_EQ(feed.records(), 4U) << "the slice that was reached halfway, whole";
  EXPECT_EQ(feed.take(1, 1).front().records.offset(0), 2);
  EXPECT_EQ(feed.oldest_timestamp_ms(), 77);
}

TEST(FeedTest, everything_comes_back_after_a_failure_and_nothing_after_a_success) {
  Feed feed = begun();
  feed.offer(records(0, 1), kStart);
  feed.offer(records(2, 3), kStart);
  const std::size_t bytes = feed.bytes();
  feed.put_back(feed.take(10, 1'000'000), 0);
  EXPECT_EQ(feed.records(), 4U);
  EXPECT_EQ(feed.bytes(), bytes);
  feed.put_back(feed.take(10, 1'000'000), 4);
  EXPECT_TRUE(feed.empty());
  EXPECT_EQ(feed.bytes(), 0U);
}

TEST(FeedTest, repetitions_are_dropped_and_gaps_at_the_end_are_known_once) {
  Feed feed = begun();
  feed.offer(records(0, 3), kStart);
  feed.offer(records(1, 3), kStart);
  EXPECT_EQ(feed.records(), 4U);
  EXPECT_TRUE(feed.end_seen(6, 0, kStart));
  EXPECT_TRUE(feed.end_seen(6, 0, kStart));
  const auto taken = feed.take(100, 1'000'000);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_TRUE(taken[1].records.empty());
  EXPECT_EQ(taken[1].end, 6);
}

TEST(FeedTest, the_probe_must_be_the_record_that_was_applied) {
  const auto probe = [](std::int64_t first, std::int64_t timestamp, bool compacted) {
    Feed feed;
    feed.begin({9, 5}, compacted, 10);
    return feed.offer(records(first, 12, timestamp), kStart).has_value();
  };
  EXPECT_FALSE(probe(9, 5, false));
  EXPECT_TRUE(probe(9, 6, false));
  EXPECT_TRUE(probe(10, 5, false)) << "it is gone";
  EXPECT_FALSE(probe(10, 5, true)) << "compaction may take it";
  EXPECT_FALSE(probe(7, 5, false)) << "what comes before it does not matter";
}

TEST(FeedTest, a_log_that_ends_before_the_position_is_noticed_while_the_probe_is_out) {
  Feed feed;
  feed.begin({9, 5}, false, 10);
  EXPECT_FALSE(feed.end_seen(9, 10, kStart));
  EXPECT_TRUE(feed.end_seen(10, 10, kStart));
  EXPECT_TRUE(feed.empty());
}

TEST(FeedTest, placed_again_it_looks_for_the_last_record_it_knows) {
  Feed feed = begun();
  EXPECT_EQ(feed.place(false), 0);
  EXPECT_EQ(feed.place(true), 0) << "it knows none";
  feed.offer(records(0, 4, 5), kStart);
  EXPECT_EQ(feed.place(true), 4);
  EXPECT_TRUE(feed.offer(records(4, 6, 8), kStart)) << "another log";
  feed.clear();
  EXPECT_TRUE(feed.empty());
  feed.begin({7, std::nullopt}, false, 7);
  EXPECT_EQ(feed.place(true), 7) << "what was known is forgotten";
}

}  // namespace
}  // namespace spool::delivery
