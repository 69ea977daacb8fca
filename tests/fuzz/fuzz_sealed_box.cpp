// Nobody without the key makes a text that opens; what a box seals of any bytes, it opens again,
// and with any change no more.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/assert.hpp"
#include "engine/crypto/sealed_box.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace spool::crypto;
  static const SealedBox box(*SealingKey::parse(std::string(64, '7')),
                             {*SealingKey::parse(std::string(64, '8'))});
  constexpr std::string_view kFor = "tmdb_session:42";
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(SealingKey::parse(input));
  SPOOL_ASSERT(!box.open(input, kFor).ok(), "a text of nobody's opens");
  SPOOL_ASSERT(!box.open(box.mark() + std::string(input), kFor).ok(), "a forged text opens");

  std::string sealed = box.seal(input, kFor);
  const auto opened = box.open(sealed, kFor);
  SPOOL_ASSERT(opened.ok() && *opened == input, "sealing keeps the text");
  const std::size_t place = size == 0 ? 0 : bytes[0] % sealed.size();
  sealed[place] = static_cast<char>(sealed[place] ^ (1 << (size % 8)));
  SPOOL_ASSERT(!box.open(sealed, kFor).ok(), "a changed text opens");
  return 0;
}
