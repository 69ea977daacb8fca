// The core's own clock: a monotonic instant that the shell reads and passes in. Never compared
// across processes, never stored.
#pragma once

#include <chrono>

namespace spool::delivery {

using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

}  // namespace spool::delivery
