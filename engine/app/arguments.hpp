// What was given to a command, by the long name of the option ("key") or the name of the positional
// ("USER").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace spool::app {

class Arguments {
 public:
  void set(const std::string& name, std::vector<std::string> values) {
    values_[name] = std::move(values);
  }

  // Whether it was given; flags too.
  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::optional<std::string> get(const std::string& name) const;
  std::string get_or(const std::string& name, const std::string& fallback) const;
  std::vector<std::string> all(const std::string& name) const;

  // Fails with `invalid` if it is not a whole number within min..max; empty if it was not given.
  base::Result<std::optional<std::int64_t>> number(const std::string& name, std::int64_t min,
                                                   std::int64_t max) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace spool::app
