// Benchmarks give up at the first failure: a value, or an exception that main() tells.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "engine/base/result.hpp"

namespace spool::bench {

template <typename T>
T need(base::Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.failure().text);
  return std::move(result).value();
}

inline void need(const base::Status& status, const std::string& what) {
  if (!status) throw std::runtime_error(what + ": " + status.failure().text);
}

}  // namespace spool::bench
