// The database's time, carried on by the monotonic clock between readings (rule 13): a host with a
// wrong clock judges nothing by it. Until the first reading the host's own clock stands in. Any
// thread.
#pragma once

#include <atomic>
#include <chrono>

#include "engine/base/time.hpp"

namespace spool::runtime {

class DatabaseClock {
 public:
  base::EpochMicros now() const {
    const std::int64_t offset = offset_us_.load(std::memory_order_relaxed);
    if (offset != kUnknown) return offset + monotonic_us();
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  void set(base::EpochMicros database_now) {
    offset_us_.store(database_now - monotonic_us(), std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kUnknown = -1;

  static std::int64_t monotonic_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  std::atomic<std::int64_t> offset_us_{kUnknown};
};

}  // namespace spool::runtime
