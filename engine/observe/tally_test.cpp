#include "engine/observe/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace spool::observe {
namespace {

using testing::ElementsAre;

constexpr std::array<double, 3> kBounds = {1, 10, 100};

TEST(Tally, ABoundBelongsToItsOwnBucket) {
  Tally tally(kBounds);
  for (const double value : {0.5, 1.0, 1.5, 10.0, 100.0, 100.5}) tally.add(value);
  EXPECT_THAT(tally.increments(), ElementsAre(2, 2, 1, 1));
  EXPECT_EQ(tally.count(), 6U);
  EXPECT_DOUBLE_EQ(tally.sum(), 213.5);
}

TEST(Tally, ClocksThatDisagreeCountAsZero) {
  Tally tally(kBounds);
  tally.add(-5);
  tally.add(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(tally.increments(), ElementsAre(2, 0, 0, 0));
  EXPECT_DOUBLE_EQ(tally.sum(), 0);
}

TEST(Tally, AValueMayCountManyTimes) {
  Tally tally(kBounds);
  tally.add(2, 1'000);
  tally.add(3, 0);
  EXPECT_THAT(tally.increments(), ElementsAre(0, 1'000, 0, 0));
  EXPECT_EQ(tally.count(), 1'000U);
  EXPECT_DOUBLE_EQ(tally.sum(), 2'000);
}

TEST(Tally, TheProductsBoundsAscendAndFit) {
  const auto check = [](std::span<const double> bounds) {
    for (std::size_t i = 1; i < bounds.size(); ++i) EXPECT_LT(bounds[i - 1], bounds[i]);
    EXPECT_EQ(Tally(bounds).increments().size(), bounds.size() + 1);
  };
  check(kDurationBounds);
  check(kAgeBounds);
  check(kLatenessBounds);
  check(kAttemptBounds);
  check(kSizeBounds);
}

}  // namespace
}  // namespace spool::observe
