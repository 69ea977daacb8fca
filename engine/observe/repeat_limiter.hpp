// Keeps a warning that repeats from flooding the log: the first of a key is let through, then one
// per interval with the number of those kept back. The caller supplies the time; pure, one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace spool::observe {

class RepeatLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Remembers at most `keys_max` keys; beyond, the one let through longest ago is forgotten.
  explicit RepeatLimiter(std::chrono::milliseconds interval, std::size_t keys_max = 256)
      : interval_(interval), keys_max_(keys_max) {}

  // Empty: keep this one back. Else: write it, and so many were kept back since the last that was
  // written.
  std::optional<std::uint64_t> admit(const std::string& key, TimePoint now);

 private:
  struct Seen {
    TimePoint written;
    std::uint64_t kept_back = 0;
  };

  const std::chrono::milliseconds interval_;
  const std::size_t keys_max_;
  std::map<std::string, Seen> seen_;
};

}  // namespace spool::observe
