// Levels of log lines, and how many lines of each were written: counted by the logger, exposed by
// the metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace spool::observe {

enum class Level { debug, info, warn, error };

inline constexpr std::array<Level, 4> kLevels = {Level::debug, Level::info, Level::warn,
                                                 Level::error};

const char* to_string(Level level);

// Any thread.
class LogCounts {
 public:
  void count(Level level) { at(level).fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t get(Level level) const {
    return counts_[static_cast<std::size_t>(level)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& at(Level level) { return counts_[static_cast<std::size_t>(level)]; }

  std::array<std::atomic<std::uint64_t>, kLevels.size()> counts_{};
};

}  // namespace spool::observe
