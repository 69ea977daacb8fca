#include "engine/app/text_form.hpp"

#include <algorithm>
#include <limits>

#include "engine/base/text.hpp"

namespace spool::app {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// The control character at `at`: its code and length in bytes; length 0 if it is none. C1 controls
// take two bytes.
struct Control {
  unsigned code = 0;
  std::size_t length = 0;
};
Control control_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20U || byte == 0x7FU) return {byte, 1};
  if (byte == 0xC2U && at + 1 < text.size()) {
    const auto next = static_cast<unsigned char>(text[at + 1]);
    if (next >= 0x80U && next < 0xA0U) return {next, 2};
  }
  return {};
}

std::string short_escape(unsigned code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return {};
  }
}

std::string escaped(unsigned code, std::string_view prefix) {
  std::string out = short_escape(code);
  if (!out.empty()) return out;
  out = prefix;
  out += kHex[(code >> 4U) & 0xFU];
  out += kHex[code & 0xFU];
  return out;
}

std::string clean(std::string_view text) {
  return base::printable(text, std::numeric_limits<std::size_t>::max());
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out;
  base::append_json_quoted(out, clean(text));
  return out;
}

std::string visible(std::string_view text) {
  const std::string valid = clean(text);
  std::string out;
  out.reserve(valid.size());
  for (std::size_t at = 0; at < valid.size();) {
    const Control control = control_at(valid, at);
    if (control.length > 0) {
      out += escaped(control.code, control.length == 1 ? "\\x" : "\\u00");
    } else {
      out += valid[at];
    }
    at += std::max<std::size_t>(1, control.length);
  }
  return out;
}

bool is_plain_text(std::string_view bytes) {
  if (clean(bytes) != bytes) return false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const Control control = control_at(bytes, at);
    if (control.length > 0 && short_escape(control.code).empty()) return false;
  }
  return true;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = (group << 8U) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= count ? kAlphabet[(group >> (18U - 6U * i)) & 0x3FU] : '=';
  }
  return out;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace spool::app
