// Lines that worker processes of one scenario wrote, as a signal: whoever waits for something to
// become true looks again when any of them wrote a line, and from time to time, because not
// everything is told by one. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace spool::test {

inline constexpr std::chrono::seconds kPatience{
    120};  // far beyond what anything takes; only failures wait so long

inline constexpr std::chrono::milliseconds kLookAgain{100};

class LineBoard {
 public:
  void line_written();

  // Whether `condition` became true within the deadline; asked at once, then after new lines and
  // every kLookAgain.
  bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = kPatience);

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t lines_ = 0;
};

}  // namespace spool::test
