#include "engine/observe/tally.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::observe {

Tally::Tally(std::span<const double> bounds) : bounds_(bounds) {
  SPOOL_ASSERT(bounds.size() < kBucketsMax, "more bounds than a tally has buckets");
}

void Tally::add(double value, std::uint32_t times) {
  if (!(value > 0)) value = 0;
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)] += times;
  count_ += times;
  sum_ += value * times;
}

std::vector<double> Tally::increments() const {
  return {buckets_.begin(), buckets_.begin() + static_cast<std::ptrdiff_t>(bounds_.size()) + 1};
}

}  // namespace spool::observe
