#include "engine/observe/repeat_limiter.hpp"

#include <algorithm>

namespace spool::observe {

std::optional<std::uint64_t> RepeatLimiter::admit(const std::string& key, TimePoint now) {
  const auto known = seen_.find(key);
  if (known != seen_.end()) {
    Seen& seen = known->second;
    if (now - seen.written < interval_) {
      ++seen.kept_back;
      return std::nullopt;
    }
    const std::uint64_t kept_back = seen.kept_back;
    seen = {now, 0};
    return kept_back;
  }
  if (!seen_.empty() && seen_.size() >= keys_max_) {
    seen_.erase(std::min_element(seen_.begin(), seen_.end(), [](const auto& a, const auto& b) {
      return a.second.written < b.second.written;
    }));
  }
  seen_[key] = {now, 0};
  return 0;
}

}  // namespace spool::observe
