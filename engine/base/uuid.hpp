// UUIDs as 16 bytes (RFC 9562). Pure but for random_uuid(); any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spool::base {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const Uuid&, const Uuid&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// 8-4-4-4-12 hexadecimal digits, either case; empty if the text is anything else.
std::optional<Uuid> parse_uuid(std::string_view text);
std::string to_string(const Uuid& uuid);

// Version 5 (name-based, SHA-1) in Spool's own name space: the same parts always give the same id.
// The parts are length-prefixed, so ("ab","c") and ("a","bc") differ.
Uuid name_uuid(std::string_view part1, std::string_view part2, std::string_view part3 = {},
               std::string_view part4 = {});

// Version 4, from the operating system's random source.
Uuid random_uuid();

}  // namespace spool::base
