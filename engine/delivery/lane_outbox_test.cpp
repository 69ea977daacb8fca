#include "engine/delivery/lane_outbox.hpp"

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::seconds(1)};

struct LaneOutboxTest : testing::Test {
  LaneOutbox outbox{milliseconds(20), milliseconds(100), milliseconds(400)};
};

TEST_F(LaneOutboxTest, reads_only_what_was_written) {
  EXPECT_TRUE(outbox.quiet());
  EXPECT_FALSE(outbox.to_read(kStart));
  EXPECT_FALSE(outbox.wake_at());
  outbox.written();
  EXPECT_TRUE(outbox.to_read(kStart));
  EXPECT_FALSE(outbox.quiet());
  outbox.read(0, false, kStart);
  EXPECT_TRUE(outbox.quiet());
}

TEST_F(LaneOutboxTest, settles_when_all_are_answered_and_then_looks_for_more) {
  outbox.written();
  outbox.read(2, true, kStart);
  EXPECT_FALSE(outbox.to_read(kStart)) << "rows are on their way";
  outbox.answered(1, {}, kStart);
  EXPECT_FALSE(outbox.to_settle());
  outbox.answered(2, Failure(FailureKind::refused, "too large"), kStart);
  ASSERT_TRUE(outbox.to_settle());
  const SettleOutboxJob job = outbox.settle({});
  EXPECT_EQ(job.published, std::vector<std::int64_t>{1});
  ASSERT_EQ(job.refused.size(), 1U);
  EXPECT_EQ(job.refused[0].number, 2);
  EXPECT_FALSE(outbox.to_settle());
  EXPECT_TRUE(outbox.to_read(kStart)) << "the page was full";
}

TEST_F(LaneOutboxTest, what_could_not_be_written_down_is_settled_again) {
  outbox.written();
  outbox.read(1, false, kStart);
  outbox.answered(1, {}, kStart);
  outbox.unsettled(outbox.settle({}));
  EXPECT_TRUE(outbox.to_settle());
  EXPECT_EQ(outbox.settle({}).published.size(), 1U);
  EXPECT_TRUE(outbox.quiet());
}

TEST_F(LaneOutboxTest, a_row_without_answer_is_read_again_after_a_growing_while) {
  Instant now = kStart;
  for (const milliseconds pause : {milliseconds(100), milliseconds(200), milliseconds(400)}) {
    outbox.written();
    outbox.read(1, false, kStart);
    now += std::chrono::hours(1);
    outbox.answered(1, Failure(FailureKind::unavailable, "timed out"), now);
    EXPECT_FALSE(outbox.to_settle());
    EXPECT_EQ(outbox.wake_at(), now + pause);
    EXPECT_FALSE(outbox.to_read(now + pause - milliseconds(1)));
    EXPECT_TRUE(outbox.to_read(now + pause));
  }
}

TEST_F(LaneOutboxTest, many_rows_that_fail_together_are_one_failure) {
  outbox.written();
  outbox.read(3, false, kStart);
  for (std::int64_t number = 1; number <= 3; ++number)
    outbox.answered(number, Failure(FailureKind::unavailable, "timed out"), kStart);
  EXPECT_EQ(outbox.wake_at(), kStart + milliseconds(100));
}

TEST_F(LaneOutboxTest, what_is_written_soon_after_a_page_waits_for_others) {
  outbox.written();
  outbox.read(1, false, kStart);
  outbox.answered(1, {}, kStart);
  outbox.settle({});
  outbox.written();
  EXPECT_FALSE(outbox.to_read(kStart + milliseconds(19)));
  EXPECT_EQ(outbox.wake_at(), kStart + milliseconds(20));
  EXPECT_TRUE(outbox.to_read(kStart + milliseconds(20)));
}

TEST_F(LaneOutboxTest, forgetting_leaves_nothing) {
  outbox.written();
  outbox.read(1, true, kStart);
  outbox.clear();
  EXPECT_TRUE(outbox.quiet());
  EXPECT_EQ(outbox.in_flight(), 0U);
}

}  // namespace
}  // namespace spool::delivery
