// The parameters of one statement, $1 first, as PostgreSQL reads them in text form. Texts are moved
// in where the caller gives them up. One thread; spent by the statement that is given them.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/uuid.hpp"

namespace spool::postgres {

// Bytes for a bytea parameter, in contrast to text.
struct Bytes {
  std::optional<std::string_view> bytes;
};

class Params {
 public:
  Params() = default;

  // Params::of(7, "text", std::move(big), std::nullopt, Bytes{key})
  template <typename... Values>
  static Params of(Values&&... values) {
    Params params;
    params.values_.reserve(sizeof...(values));
    (params.add(std::forward<Values>(values)), ...);
    return params;
  }

  void add(std::string&& text) { values_.emplace_back(std::move(text)); }
  void add(const std::string& text) { values_.emplace_back(text); }
  void add(std::string_view text) { values_.emplace_back(std::string(text)); }
  void add(const char* text) { values_.emplace_back(std::string(text)); }
  void add(std::nullopt_t) { values_.emplace_back(std::nullopt); }
  void add(bool value) { values_.emplace_back(value ? "t" : "f"); }
  void add(double value);
  void add(const Bytes& value);
  void add(const base::Uuid& value) { values_.emplace_back(base::to_string(value)); }
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) void add(Number value) {
    values_.emplace_back(std::to_string(value));
  }
  template <typename Value>
  void add(const std::optional<Value>& value) {
    if (value) {
      add(*value);
    } else {
      add(std::nullopt);
    }
  }

  std::vector<std::optional<std::string>>& values() { return values_; }

 private:
  std::vector<std::optional<std::string>> values_;
};

}  // namespace spool::postgres
