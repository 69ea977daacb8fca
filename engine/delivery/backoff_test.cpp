#include "engine/delivery/backoff.hpp"

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesToTheCapAndStartsAgain) {
  Backoff backoff(milliseconds(100), milliseconds(450));
  EXPECT_EQ(backoff.next(), milliseconds(100));
  EXPECT_EQ(backoff.next(), milliseconds(200));
  EXPECT_EQ(backoff.next(), milliseconds(400));
  EXPECT_EQ(backoff.next(), milliseconds(450));
  EXPECT_EQ(backoff.next(), milliseconds(450));
  backoff.succeeded();
  EXPECT_EQ(backoff.next(), milliseconds(100));
}

TEST(Backoff, DoesNotOverflow) {
  Backoff backoff(milliseconds::max() / 3, milliseconds::max());
  for (int i = 0; i < 5; ++i) EXPECT_GT(backoff.next().count(), 0);
}

}  // namespace
}  // namespace spool::delivery
