#include "engine/message/header_block.hpp"

#include <cstdint>
#include <limits>

#include "engine/base/assert.hpp"

namespace spool::message {
namespace {

// Lengths are 32 bits, least significant byte first; this one stands for null.
constexpr std::uint32_t kNull = std::numeric_limits<std::uint32_t>::max();

void append_length(std::string& block, std::uint32_t length) {
  for (int shift = 0; shift < 32; shift += 8) {
    block.push_back(static_cast<char>(length >> shift & 0xFF));
  }
}

void append_text(std::string& block, std::string_view text) {
  SPOOL_ASSERT(text.size() < kNull, "a header is longer than 4 GiB");
  append_length(block, static_cast<std::uint32_t>(text.size()));
  block.append(text);
}

void append_header(std::string& block, std::string_view name,
                   const std::optional<std::string_view>& value) {
  append_text(block, name);
  if (value) {
    append_text(block, *value);
  } else {
    append_length(block, kNull);
  }
}

std::optional<std::uint32_t> take_length(std::string_view& block) {
  if (block.size() < 4) return std::nullopt;
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length |= static_cast<std::uint32_t>(static_cast<unsigned char>(block[i])) << 8 * i;
  }
  block.remove_prefix(4);
  return length;
}

std::optional<std::string> take_text(std::string_view& block, std::uint32_t length) {
  if (length > block.size()) return std::nullopt;
  std::string text(block.substr(0, length));
  block.remove_prefix(length);
  return text;
}

base::Failure damaged() {
  return {base::FailureKind::invalid, "the stored headers are damaged"};
}

}  // namespace

std::string pack_headers(std::span<const Header> headers) {
  std::string block;
  for (const Header& header : headers) append_header(block, header.name, header.value);
  return block;
}

std::string pack_headers(const OwnedHeaders& headers) {
  std::string block;
  for (const auto& [name, value] : headers) append_header(block, name, value);
  return block;
}

base::Result<OwnedHeaders> unpack_headers(std::string_view block) {
  OwnedHeaders headers;
  while (!block.empty()) {
    const auto name_length = take_length(block);
    if (!name_length) return damaged();
    auto name = take_text(block, *name_length);
    if (!name) return damaged();
    const auto value_length = take_length(block);
    if (!value_length) return damaged();
    std::optional<std::string> value;
    if (*value_length != kNull) {
      value = take_text(block, *value_length);
      if (!value) return damaged();
    }
    headers.emplace_back(std::move(*name), std::move(value));
  }
  return headers;
}

}  // namespace spool::message
