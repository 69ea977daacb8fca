#include "engine/runtime/flush_statistics.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace spool::runtime {
namespace {

TEST(FlushStatistics, AddsUpOverThreadsAndStartsAgain) {
  FlushStatistics statistics;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      for (int batch = 0; batch < 100; ++batch) statistics.add({1, 10, 4, 5, 1, 0.5});
    });
  }
  for (std::thread& worker : workers) worker.join();
  const Flushed sum = statistics.take();
  EXPECT_EQ(sum.transactions, 400);
  EXPECT_EQ(sum.events, 4000);
  EXPECT_EQ(sum.coalesced, 1600);
  EXPECT_EQ(sum.rows, 2000);
  EXPECT_EQ(sum.dead, 400);
  EXPECT_DOUBLE_EQ(sum.seconds, 200.0);
  EXPECT_EQ(statistics.take().events, 0);
}

}  // namespace
}  // namespace spool::runtime
