// One PostgreSQL array literal, {...}, built element by element: how a set-based statement gets its
// columns
// ($1::bigint[], unnest). Owned and used by one thread; reset() keeps the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/uuid.hpp"

namespace spool::postgres {

class ArrayText {
 public:
  void reset();

  void add_int64(std::int64_t value);
  void add_double(double value);  // shortest text that reads back as the same double
  void add_bool(bool value);
  void add_uuid(const base::Uuid& value);
  void add_text(
      std::string_view value);  // UTF-8 without NUL, or PostgreSQL refuses the whole array
  void add_bytea(std::string_view value);  // any bytes, for a bytea[]
  void add_null();

  std::size_t size() const { return size_; }

  // The literal. The view holds until the next call; no element may follow before reset().
  std::string_view text();

 private:
  void separate();

  std::string text_ = "{";
  std::size_t size_ = 0;
  bool closed_ = false;
};

// Hexadecimal form of a bytea (\x...), and back from what the server prints.
void append_bytea_hex(std::string& to, std::string_view bytes);

}  // namespace spool::postgres
