// What a test or a benchmark cannot go on without: a value, or an exception that says what is
// missing. Any thread.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/base/result.hpp"

namespace spool::test {

template <typename T>
T need(base::Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.failure().text);
  return std::move(result).value();
}

inline void need(const base::Status& status, const std::string& what) {
  if (!status) throw std::runtime_error(what + ": " + status.failure().text);
}

// A variable that ops/stack sets.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) +
                             " is not set; start a stack: ops/stack up; eval \"$(ops/stack env)\"");
  }
  return value;
}

}  // namespace spool::test
