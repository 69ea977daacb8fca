// Reads a flat JSON object into a table of known fields, in one forward pass and without
// allocating. The whole document is validated, unknown fields and trailing bytes included, and a
// known field that stands there twice is refused: parsers disagree on which of the two counts. A
// JsonReader belongs to one thread; the texts that it hands out live until its next read().
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/message/rejection.hpp"

namespace spool::message {

enum class JsonKind {
  integer,     // without fraction or exponent, within min..max
  text,        // a string of min..max bytes without NUL
  maybe_text,  // a string of min..max bytes without NUL; anything else counts as absent
  any,         // any value, handed out as its JSON text
};

struct JsonField {
  std::string_view name;  // without characters that JSON escapes
  JsonKind kind;
  bool required = false;  // null counts as absent, but for `any`
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

struct JsonValue {
  bool present = false;
  std::int64_t integer = 0;
  std::string_view text;
};

class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  // kReadAheadBytes must be readable behind `json`. values[i] belongs to fields[i]; there are as
  // many of both, and at most 64. After a rejection the values hold what was read until then, never
  // one that was given twice.
  std::optional<Rejection> read(std::string_view json, std::span<const JsonField> fields,
                                std::span<JsonValue> values);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::message
