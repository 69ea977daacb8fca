#include "engine/postgres/migration.hpp"

#include <openssl/evp.h>

#include "engine/base/assert.hpp"

namespace spool::postgres {

std::string sha256_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  const int ok = EVP_Digest(text.data(), text.size(), digest, &bytes, EVP_sha256(), nullptr);
  SPOOL_ASSERT(ok == 1, "SHA-256 is not available");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < bytes; ++i) {
    hex.push_back(kDigits[digest[i] >> 4]);
    hex.push_back(kDigits[digest[i] & 15]);
  }
  return hex;
}

Migration make_migration(std::string line, int version, std::string title, std::string up,
                         std::string down) {
  Migration migration{std::move(line), version,         std::move(title),
                      std::move(up),   std::move(down), {}};
  migration.checksum = sha256_hex(migration.up);
  return migration;
}

}  // namespace spool::postgres
