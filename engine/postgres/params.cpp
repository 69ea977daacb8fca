#include "engine/postgres/params.hpp"

#include <charconv>
#include <cmath>

#include "engine/postgres/array_text.hpp"

namespace spool::postgres {

void Params::add(double value) {
  if (std::isnan(value)) return add("NaN");
  if (std::isinf(value)) return add(value > 0 ? "Infinity" : "-Infinity");
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  values_.emplace_back(std::string(digits, end.ptr));
}

void Params::add(const Bytes& value) {
  if (!value.bytes) return add(std::nullopt);
  append_bytea_hex(values_.emplace_back(std::string{}).value(), *value.bytes);
}

}  // namespace spool::postgres
