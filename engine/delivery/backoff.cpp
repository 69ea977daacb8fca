#include "engine/delivery/backoff.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::delivery {

Backoff::Backoff(std::chrono::milliseconds first, std::chrono::milliseconds cap)
    : first_(first), cap_(cap), current_(first) {
  SPOOL_ASSERT(first.count() > 0 && first <= cap, "a backoff grows from above zero");
}

std::chrono::milliseconds Backoff::next() {
  const auto now = current_;
  current_ = current_ > cap_ / 2 ? cap_ : current_ * 2;
  return now;
}

}  // namespace spool::delivery
