// Seals texts for keeping where others read: AES-256-GCM. What is sealed for one purpose
// (`associated`) opens for no other, and not at all once a bit of it has changed. Sealed text:
// version (1 byte), key id (4), nonce (12, random), cipher text, tag (16). Immutable, any thread;
// failures are `invalid` and never quote a key or a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace spool::crypto {

// Wiped when it goes.
class SealingKey {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kIdBytes = 4;
  using Id = std::array<std::uint8_t, kIdBytes>;

  // 32 bytes as base64 or as 64 hexadecimal digits; white space around them does not count.
  static base::Result<SealingKey> parse(std::string_view text);

  SealingKey(const SealingKey&) = default;
  SealingKey& operator=(const SealingKey&) = default;
  ~SealingKey();

  // Follows from the key and does not tell it.
  const Id& id() const { return id_; }

 private:
  friend class SealedBox;
  SealingKey() = default;

  std::array<std::uint8_t, kBytes> bytes_{};
  Id id_{};
};

class SealedBox {
 public:
  static constexpr std::size_t kPlainBytesMax = 1024UL * 1024;

  // Seals with `current`, opens what any of them has sealed.
  explicit SealedBox(SealingKey current, std::vector<SealingKey> older = {});

  // At most kPlainBytesMax.
  std::string seal(std::string_view plain, std::string_view associated) const;

  // The caller wipes what comes (Secret).
  base::Result<std::string> open(std::string_view sealed, std::string_view associated) const;

  // What everything begins with that seal() makes now: the version and the current key's id.
  std::string mark() const;

 private:
  std::vector<SealingKey> keys_;  // the current one first
};

}  // namespace spool::crypto
