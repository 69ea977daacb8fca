// The answer of one statement. Cheap to copy (shared, immutable), independent of its transaction
// and connection; any thread. Asking for a row or column that is not there is a broken invariant;
// so is reading NULL, or a text that is none of the type, as a number: the statement's own select
// list says what comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/uuid.hpp"

namespace spool::postgres {

class Rows {
 public:
  struct Impl;
  explicit Rows(std::shared_ptr<const Impl> impl);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::size_t columns() const;
  std::int64_t affected_rows() const;  // of insert, update, delete

  // Empty for NULL. The view lives as long as this object or a copy of it.
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const;

  std::string text(std::size_t row, std::size_t column) const;  // "" for NULL
  std::int64_t int64(std::size_t row, std::size_t column) const;
  std::int32_t int32(std::size_t row, std::size_t column) const;
  std::optional<std::int64_t> optional_int64(std::size_t row, std::size_t column) const;
  bool boolean(std::size_t row, std::size_t column) const;
  base::Uuid uuid(std::size_t row, std::size_t column) const;
  std::optional<std::string> bytes(std::size_t row, std::size_t column) const;  // of a bytea

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace spool::postgres
