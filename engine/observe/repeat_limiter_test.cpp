#include "engine/observe/repeat_limiter.hpp"

#include <gtest/gtest.h>

namespace spool::observe {
namespace {

using std::chrono::seconds;

TEST(RepeatLimiter, OnePerIntervalWithTheNumberKeptBack) {
  RepeatLimiter limiter(seconds(10));
  const RepeatLimiter::TimePoint start{};
  EXPECT_EQ(limiter.admit("db", start), 0U);
  EXPECT_EQ(limiter.admit("db", start + seconds(1)), std::nullopt);
  EXPECT_EQ(limiter.admit("db", start + seconds(9)), std::nullopt);
  EXPECT_EQ(limiter.admit("kafka", start + seconds(9)), 0U);  // keys are independent
  EXPECT_EQ(limiter.admit("db", start + seconds(10)), 2U);
  EXPECT_EQ(limiter.admit("db", start + seconds(20)), 0U);
}

TEST(RepeatLimiter, ForgetsTheOldestKeyBeyondItsBound) {
  RepeatLimiter limiter(seconds(10), 2);
  const RepeatLimiter::TimePoint start{};
  EXPECT_EQ(limiter.admit("a", start), 0U);
  EXPECT_EQ(limiter.admit("b", start + seconds(1)), 0U);
  EXPECT_EQ(limiter.admit("c", start + seconds(2)), 0U);            // forgets a
  EXPECT_EQ(limiter.admit("b", start + seconds(3)), std::nullopt);  // still known
  EXPECT_EQ(limiter.admit("a", start + seconds(3)), 0U);
}

}  // namespace
}  // namespace spool::observe
