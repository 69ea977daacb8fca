#include "engine/postgres/rows.hpp"

#include <charconv>
#include <limits>

#include "engine/base/assert.hpp"
#include "engine/postgres/session.hpp"

namespace spool::postgres {
namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Rows::Rows(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::size_t Rows::size() const {
  return impl_->result.size();
}
std::size_t Rows::columns() const {
  return impl_->result.columns();
}
std::int64_t Rows::affected_rows() const {
  return static_cast<std::int64_t>(impl_->result.affected_rows());
}

std::optional<std::string_view> Rows::at(std::size_t row, std::size_t column) const {
  SPOOL_ASSERT(row < size() && column < columns(), "no such field in the answer");
  const pqxx::field field = impl_->result[static_cast<pqxx::result::size_type>(row)]
                                         [static_cast<pqxx::row::size_type>(column)];
  if (field.is_null()) return std::nullopt;
  return std::string_view(field.c_str(), field.size());
}

std::string Rows::text(std::size_t row, std::size_t column) const {
  return std::string(at(row, column).value_or(std::string_view{}));
}

std::optional<std::int64_t> Rows::optional_int64(std::size_t row, std::size_t column) const {
  const auto field = at(row, column);
  if (!field) return std::nullopt;
  std::int64_t value = 0;
  const char* end = field->data() + field->size();
  const auto parsed = std::from_chars(field->data(), end, value);
  SPOOL_ASSERT(parsed.ec == std::errc{} && parsed.ptr == end, "the field is no integer");
  return value;
}

std::int64_t Rows::int64(std::size_t row, std::size_t column) const {
  const auto value = optional_int64(row, column);
  SPOOL_ASSERT(value.has_value(), "NULL where a number was selected");
  return *value;
}

std::int32_t Rows::int32(std::size_t row, std::size_t column) const {
  const std::int64_t value = int64(row, column);
  SPOOL_ASSERT(value >= std::numeric_limits<std::int32_t>::min() &&
                   value <= std::numeric_limits<std::int32_t>::max(),
               "the field does not fit 32 bits");
  return static_cast<std::int32_t>(value);
}

bool Rows::boolean(std::size_t row, std::size_t column) const {
  const auto field = at(row, column);
  SPOOL_ASSERT(field == "t" || field == "f", "the field is no boolean");
  return *field == "t";
}

base::Uuid Rows::uuid(std::size_t row, std::size_t column) const {
  const auto uuid = base::parse_uuid(at(row, column).value_or(std::string_view{}));
  SPOOL_ASSERT(uuid.has_value(), "the field is no uuid");
  return *uuid;
}

std::optional<std::string> Rows::bytes(std::size_t row, std::size_t column) const {
  const auto field = at(row, column);
  if (!field) return std::nullopt;
  SPOOL_ASSERT(field->starts_with("\\x") && field->size() % 2 == 0, "the field is no bytea");
  std::string bytes(field->size() / 2 - 1, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = nibble((*field)[2 * i + 2]);
    const int low = nibble((*field)[2 * i + 3]);
    SPOOL_ASSERT(high >= 0 && low >= 0, "the field is no bytea");
    bytes[i] = static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace spool::postgres
