#include "engine/observe/log_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "engine/base/text.hpp"

namespace spool::observe {
namespace {

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), result.ptr);
}

// A word that a person and `grep key=value` read without quotes.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    // Beyond ASCII is quoted, so that the escaping sees it.
    return c > ' ' && c < '\x7f' && c != '"' && c != '=' && c != '\\';
  });
}

enum class Style { text, json };

void append_value(std::string& out, const Field& field, Style style) {
  const auto append = [&](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, bool>) {
      out += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      const std::string clean = base::printable(value, kFieldBytesMax);
      if (style == Style::text && is_plain(clean)) {
        out += clean;
      } else {
        base::append_json_quoted(out, clean);
      }
    } else if constexpr (std::is_same_v<T, double>) {
      // JSON has no word for infinity.
      if (style == Style::json && !std::isfinite(value)) {
        out += "null";
      } else {
        append_number(out, value);
      }
    } else {
      append_number(out, value);
    }
  };
  std::visit(append, field.value);
}

std::string_view text_level(Level level) {
  switch (level) {
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO ";
    case Level::warn:
      return "WARN ";
    case Level::error:
      return "ERROR";
  }
  return "ERROR";
}

}  // namespace

const char* to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string format_text(const LogLine& line) {
  std::string out = base::format_rfc3339(line.time);
  out += ' ';
  out += text_level(line.level);
  out += ' ';
  out += line.event;
  for (const Field& field : line.fields) {
    out += ' ';
    out += field.key;
    out += '=';
    append_value(out, field, Style::text);
  }
  return out;
}

std::string format_json(const LogLine& line) {
  std::string out = "{\"ts\":\"";
  out += base::format_rfc3339(line.time);
  out += "\",\"level\":\"";
  out += to_string(line.level);
  out += "\",\"event\":";
  base::append_json_quoted(out, line.event);
  for (const Field& field : line.fields) {
    out += ',';
    base::append_json_quoted(out, field.key);
    out += ':';
    append_value(out, field, Style::json);
  }
  out += '}';
  return out;
}

}  // namespace spool::observe
