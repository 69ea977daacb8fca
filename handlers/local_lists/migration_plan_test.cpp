#include "handlers/local_lists/migration_plan.hpp"

#include <gtest/gtest.h>

namespace spool::local_lists {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(MigrationPlan, CallsAreTheCreationTheMoviesAndReadingThemBack) {
  EXPECT_EQ(calls_for(0), 2);
  EXPECT_EQ(calls_for(1), 3);
  EXPECT_EQ(calls_for(20), 22);
  EXPECT_EQ(calls_for(21), 24);
}

TEST(MigrationPlan, TheTimeFollowsFromTheRate) {
  EXPECT_EQ(time_for(80, 40, seconds(10)), seconds(20));
  EXPECT_EQ(time_for(1, 40, seconds(10)), seconds(1));
  EXPECT_EQ(time_for(80, 0, seconds(10)), seconds(0));
}

TEST(MigrationPlan, AShareOfTheUsersIsTheSameEveryTimeAndGrows) {
  std::int64_t ten = 0;
  for (std::int32_t user = 1; user <= 10'000; ++user) {
    EXPECT_FALSE(is_chosen(user, 0));
    EXPECT_TRUE(is_chosen(user, 100));
    if (is_chosen(user, 10)) {
      ++ten;
      EXPECT_TRUE(is_chosen(user, 11));
    }
  }
  EXPECT_NEAR(static_cast<double>(ten), 1'000, 150);
}

}  // namespace
}  // namespace spool::local_lists
