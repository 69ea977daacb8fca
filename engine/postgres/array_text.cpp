#include "engine/postgres/array_text.hpp"

#include <charconv>
#include <cmath>

#include "engine/base/assert.hpp"

namespace spool::postgres {
namespace {

constexpr std::size_t kNumberBytesMax = 32;

}  // namespace

void append_bytea_hex(std::string& to, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::size_t at = to.size();
  to.resize(at + 2 + 2 * bytes.size());
  char* out = to.data() + at;
  *out++ = '\\';
  *out++ = 'x';
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *out++ = kDigits[byte >> 4];
    *out++ = kDigits[byte & 15];
  }
}

void ArrayText::reset() {
  text_.assign(1, '{');
  size_ = 0;
  closed_ = false;
}

void ArrayText::separate() {
  SPOOL_ASSERT(!closed_, "an array literal is finished before its last element");
  if (size_++ > 0) text_.push_back(',');
}

void ArrayText::add_int64(std::int64_t value) {
  separate();
  char digits[kNumberBytesMax];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  text_.append(digits, end.ptr);
}

void ArrayText::add_double(double value) {
  separate();
  if (std::isnan(value)) {
    text_.append("NaN");
  } else if (std::isinf(value)) {
    text_.append(value > 0 ? "Infinity" : "-Infinity");
  } else {
    char digits[kNumberBytesMax];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    text_.append(digits, end.ptr);
  }
}

void ArrayText::add_bool(bool value) {
  separate();
  text_.push_back(value ? 't' : 'f');
}

void ArrayText::add_uuid(const base::Uuid& value) {
  separate();
  text_.append(base::to_string(value));
}

void ArrayText::add_text(std::string_view value) {
  separate();
  text_.push_back('"');
  for (std::size_t from = 0; from < value.size();) {
    std::size_t to = value.find_first_of("\"\\", from);
    if (to == std::string_view::npos) to = value.size();
    text_.append(value, from, to - from);
    if (to < value.size()) {
      text_.push_back('\\');
      text_.push_back(value[to++]);
    }
    from = to;
  }
  text_.push_back('"');
}

void ArrayText::add_bytea(std::string_view value) {
  separate();
  // Quoted, and the backslash of the hexadecimal form escaped once more for the array.
  text_.append("\"\\");
  append_bytea_hex(text_, value);
  text_.push_back('"');
}

void ArrayText::add_null() {
  separate();
  text_.append("NULL");
}

std::string_view ArrayText::text() {
  if (!closed_) text_.push_back('}');
  closed_ = true;
  return text_;
}

}  // namespace spool::postgres
