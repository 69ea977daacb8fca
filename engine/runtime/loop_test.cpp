#include "engine/runtime/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

namespace spool::runtime {
namespace {

using std::chrono::milliseconds;

TEST(Loop, RunsWhatOtherThreadsPost) {
  Loop loop;
  int calls = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&] { ++calls; });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(calls, 100);
}

TEST(Loop, CallsForEachReadableAndLeavesTheDescriptorToItsOwner) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::string seen;
  {
    Loop loop;
    loop.on_readable(ends[0], [&] {
      char byte = 0;
      ASSERT_EQ(::read(ends[0], &byte, 1), 1);
      seen += byte;
      if (seen == "ab") loop.stop();
    });
    ASSERT_EQ(::write(ends[1], "ab", 2), 2);
    loop.run();
  }
  EXPECT_EQ(seen, "ab");
  EXPECT_EQ(::close(ends[0]), 0);  // still ours, and still open
  EXPECT_EQ(::close(ends[1]), 0);
}

TEST(Loop, TicksUntilItStops) {
  Loop loop;
  int ticks = 0;
  loop.every(milliseconds(1), [&] {
    if (++ticks == 3) loop.stop();
  });
  loop.run();
  EXPECT_EQ(ticks, 3);
}

TEST(Loop, HearsEverySignal) {
  Loop loop;
  int heard = 0;
  loop.on_termination([&](int signal) {
    EXPECT_EQ(signal, SIGTERM);
    if (++heard == 2) return loop.stop();
    ::raise(SIGTERM);
  });
  loop.after(milliseconds(0), [] { ::raise(SIGTERM); });
  loop.run();
  EXPECT_EQ(heard, 2);
}

}  // namespace
}  // namespace spool::runtime
