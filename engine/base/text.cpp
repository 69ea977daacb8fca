#include "engine/base/text.hpp"

#include <algorithm>
#include <numeric>

namespace spool::base {
namespace {

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80U && byte(i) <= 0xBFU; };
  const unsigned b0 = byte(at);
  const unsigned b1 = byte(at + 1);
  if (b0 < 0x80U) return 1;
  if (b0 >= 0xC2U && b0 <= 0xDFU) return tail(at + 1) ? 2 : 0;
  if (b0 >= 0xE0U && b0 <= 0xEFU) {
    const unsigned low = b0 == 0xE0U ? 0xA0U : 0x80U;
    const unsigned high = b0 == 0xEDU ? 0x9FU : 0xBFU;
    return b1 >= low && b1 <= high && tail(at + 2) ? 3 : 0;
  }
  if (b0 >= 0xF0U && b0 <= 0xF4U) {
    const unsigned low = b0 == 0xF0U ? 0x90U : 0x80U;
    const unsigned high = b0 == 0xF4U ? 0x8FU : 0xBFU;
    return b1 >= low && b1 <= high && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

void append_escape(std::string& out, unsigned code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[(code >> 4U) & 0xFU];
  out += kHex[code & 0xFU];
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  out.reserve(std::min(text.size(), bytes_max));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '\0' ? 0 : sequence_length(text, at);
    const std::string_view piece = length == 0 ? "?" : text.substr(at, length);
    if (out.size() + piece.size() > bytes_max) break;
    out += piece;
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::size_t near_enough = std::max<std::size_t>(2, word.size() / 3);
  std::string best;
  std::size_t best_distance = near_enough + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void append_json_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20U || byte == 0x7FU) {
      append_escape(out, byte);
    } else if (byte == 0xC2U && next < 0xA0U) {
      append_escape(out, next);
      ++i;
    } else {
      out += text[i];
    }
  }
  out += '"';
}

}  // namespace spool::base
