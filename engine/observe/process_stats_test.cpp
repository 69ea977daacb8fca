#include "engine/observe/process_stats.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

namespace spool::observe {
namespace {

TEST(StatLine, ReadsTheFieldsAfterAnAwkwardName) {
  const auto line = parse_stat_line(
      "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 123 45 0 0 20 0 3 0 98765 1000000 321 "
      "18446744073709551615 1 1\n");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->user_ticks, 123U);
  EXPECT_EQ(line->system_ticks, 45U);
  EXPECT_EQ(line->start_ticks, 98765U);
  EXPECT_EQ(line->resident_pages, 321U);
}

TEST(StatLine, RefusesWhatIsCutOff) {
  EXPECT_FALSE(parse_stat_line("").has_value());
  EXPECT_FALSE(parse_stat_line("42 (spool) S 1 42").has_value());
  EXPECT_FALSE(parse_boot_time("cpu 1 2 3\n").has_value());
}

TEST(BootTime, IsFoundByItsKey) {
  EXPECT_EQ(parse_boot_time("cpu 1\nbtime 1700000000\nprocesses 3\n"), 1700000000.0);
}

TEST(ProcessStats, DescribesThisProcess) {
  const auto before = read_process_stats();
  ASSERT_TRUE(before.has_value());
  const int fd = ::open("/dev/null", O_RDONLY);
  const auto after = read_process_stats();
  ::close(fd);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->open_fds, before->open_fds + 1);
  EXPECT_GT(after->resident_bytes, 100'000);
  EXPECT_GE(after->cpu_seconds, before->cpu_seconds);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(after->start_time_seconds, now, 120);
}

}  // namespace
}  // namespace spool::observe
