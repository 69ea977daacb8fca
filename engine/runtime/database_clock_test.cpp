#include "engine/runtime/database_clock.hpp"

#include <gtest/gtest.h>

namespace spool::runtime {
namespace {

constexpr base::EpochMicros kMinute = 60'000'000;

base::EpochMicros host_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(DatabaseClock, FollowsTheDatabaseWhateverTheHostThinks) {
  DatabaseClock clock;
  EXPECT_NEAR(static_cast<double>(clock.now()), static_cast<double>(host_now()), kMinute);
  const base::EpochMicros database_time = host_now() - 30 * kMinute;
  clock.set(database_time);
  const base::EpochMicros first = clock.now();
  EXPECT_GE(first, database_time);
  EXPECT_LT(first, database_time + kMinute);
  EXPECT_GE(clock.now(), first);
}

}  // namespace
}  // namespace spool::runtime
