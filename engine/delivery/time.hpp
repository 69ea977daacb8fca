// The core's own clock: a monotonic instant that the shell reads and passes in. Never compared
// across processes, never stored.
#pragma once

#include <chrono>

#include "engine/base/time.hpp"

namespace spool::delivery {

using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// One moment on both clocks: ours, and the database's, in which due times are kept (rule 13).
struct Moment {
  Instant at{};
  base::EpochMicros database = 0;

  // When the database's clock shows `time`.
  Instant when(base::EpochMicros time) const {
    return at + std::chrono::microseconds(time - database);
  }
};

}  // namespace spool::delivery
