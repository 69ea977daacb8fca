#include "engine/base/uuid.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::base {
namespace {

// The name space of every UUIDv5 that Spool makes. Changing it changes the ids of stored events.
constexpr Uuid kNameSpace{{0x5d, 0x9a, 0x43, 0x0e, 0x5b, 0x1f, 0x4f, 0x0d, 0x9b, 0x6e, 0x1c, 0x53,
                           0x70, 0x6f, 0x6f, 0x6c}};

void stamp(Uuid& uuid, unsigned version) {
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0FU) | (version << 4U));
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3FU) | 0x80U);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool dash_at(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t nibble = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (dash_at(at)) {
      if (text[at] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[at]);
    if (value < 0) return std::nullopt;
    auto& byte = uuid.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4U) | static_cast<unsigned>(value));
    ++nibble;
  }
  return uuid;
}

std::string to_string(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dash_at(out.size())) out += '-';
    out += kDigits[uuid.bytes[i] >> 4U];
    out += kDigits[uuid.bytes[i] & 0x0FU];
  }
  return out;
}

Uuid name_uuid(std::string_view part1, std::string_view part2, std::string_view part3,
               std::string_view part4) {
  std::string name(reinterpret_cast<const char*>(kNameSpace.bytes.data()), kNameSpace.bytes.size());
  for (const std::string_view part : {part1, part2, part3, part4}) {
    name += std::to_string(part.size());
    name += ':';
    name += part;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const int ok = EVP_Digest(name.data(), name.size(), digest.data(), &length, EVP_sha1(), nullptr);
  SPOOL_ASSERT(ok == 1 && length >= 16, "SHA-1 is part of every OpenSSL");
  Uuid uuid;
  std::copy_n(digest.begin(), uuid.bytes.size(), uuid.bytes.begin());
  stamp(uuid, 5);
  return uuid;
}

Uuid random_uuid() {
  Uuid uuid;
  const int ok = RAND_bytes(uuid.bytes.data(), static_cast<int>(uuid.bytes.size()));
  SPOOL_ASSERT(ok == 1, "the operating system has no randomness");
  stamp(uuid, 4);
  return uuid;
}

}  // namespace spool::base
