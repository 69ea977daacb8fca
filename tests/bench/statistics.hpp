// The middle of a few measurements, and where parts of many lie.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace spool::bench {

// Of at least one value.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

// p50, p90, p99 and the largest; zeros if there is no value.
inline std::array<double, 4> quantiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return {at(0.5), at(0.9), at(0.99), at(1.0)};
}

}  // namespace spool::bench
