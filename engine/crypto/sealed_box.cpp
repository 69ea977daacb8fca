#include "engine/crypto/sealed_box.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>

#include "engine/base/assert.hpp"
#include "engine/crypto/secret.hpp"

namespace spool::crypto {
namespace {

using base::Failure;
using base::FailureKind;

constexpr char kVersion = 1;
constexpr std::size_t kMarkBytes = 1 + SealingKey::kIdBytes;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kHeadBytes = kMarkBytes + kNonceBytes;
constexpr std::size_t kBase64Chars = 44;  // of a key, with its one '='
constexpr std::string_view kBlanks = " \t\r\n";
// Apart from every other use of the hash. Changing it makes every key unknown.
constexpr std::string_view kIdPurpose = "spool sealed box key id";

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_hex(std::string_view text, std::array<std::uint8_t, SealingKey::kBytes>& into) {
  if (text.size() != 2 * into.size()) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    into[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool read_base64(std::string_view text, std::array<std::uint8_t, SealingKey::kBytes>& into) {
  if (text.size() != kBase64Chars || text.find('=') != kBase64Chars - 1) return false;
  if (text.find_first_of(kBlanks) != std::string_view::npos) return false;
  // The padding comes out as one byte more.
  std::array<std::uint8_t, SealingKey::kBytes + 1> decoded{};
  const int count = EVP_DecodeBlock(decoded.data(), bytes_of(text), static_cast<int>(text.size()));
  const bool good = count == static_cast<int>(decoded.size());
  if (good) std::copy_n(decoded.begin(), into.size(), into.begin());
  OPENSSL_cleanse(decoded.data(), decoded.size());
  return good;
}

Context begin(const std::uint8_t* key, std::string_view head, std::string_view associated,
              bool encrypts) {
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  SPOOL_ASSERT(context != nullptr, "a cipher context");
  const int direction = encrypts ? 1 : 0;
  int unused = 0;
  bool good = EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key,
                                bytes_of(head.substr(kMarkBytes)), direction) == 1;
  for (const std::string_view part : {head.substr(0, kMarkBytes), associated})
    good = good && EVP_CipherUpdate(context.get(), nullptr, &unused, bytes_of(part),
                                    static_cast<int>(part.size())) == 1;
  SPOOL_ASSERT(good, "AES-256-GCM begins");
  return context;
}

Failure refused(const char* why) {
  return {FailureKind::invalid, why};
}

}  // namespace

SealingKey::~SealingKey() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

base::Result<SealingKey> SealingKey::parse(std::string_view text) {
  const std::string_view word = trimmed(text);
  SealingKey key;
  if (!read_hex(word, key.bytes_) && !read_base64(word, key.bytes_))
    return refused(
        "a key is 32 bytes, as base64 or as 64 hexadecimal digits; `openssl rand "
        "-base64 32` makes one");
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  std::string hashed(kIdPurpose);
  hashed.reserve(kIdPurpose.size() + kBytes);
  hashed.append(reinterpret_cast<const char*>(key.bytes_.data()), kBytes);
  const bool good =
      EVP_Digest(hashed.data(), hashed.size(), hash.data(), &size, EVP_sha256(), nullptr) == 1;
  wipe(hashed);
  SPOOL_ASSERT(good && size >= kIdBytes, "SHA-256 works");
  std::copy_n(hash.begin(), kIdBytes, key.id_.begin());
  return key;
}

SealedBox::SealedBox(SealingKey current, std::vector<SealingKey> older) : keys_(std::move(older)) {
  keys_.insert(keys_.begin(), std::move(current));
}

std::string SealedBox::mark() const {
  std::string mark(1, kVersion);
  for (const std::uint8_t byte : keys_.front().id()) mark += static_cast<char>(byte);
  return mark;
}

std::string SealedBox::seal(std::string_view plain, std::string_view associated) const {
  SPOOL_ASSERT(plain.size() <= kPlainBytesMax && associated.size() <= kPlainBytesMax,
               "nothing so long is sealed");
  std::string sealed = mark();
  sealed.resize(kHeadBytes + plain.size() + kTagBytes);
  const bool random = RAND_bytes(bytes_of(sealed) + kMarkBytes, kNonceBytes) == 1;
  SPOOL_ASSERT(random, "random bytes");
  const Context context = begin(keys_.front().bytes_.data(),
                                std::string_view(sealed).substr(0, kHeadBytes), associated, true);
  unsigned char* const body = bytes_of(sealed) + kHeadBytes;
  int written = 0;
  int rest = 0;
  const bool good =
      EVP_EncryptUpdate(context.get(), body, &written, bytes_of(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), body + written, &rest) == 1 &&
      static_cast<std::size_t>(written) + static_cast<std::size_t>(rest) == plain.size() &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + plain.size()) == 1;
  SPOOL_ASSERT(good, "AES-256-GCM seals");
  return sealed;
}

base::Result<std::string> SealedBox::open(std::string_view sealed,
                                          std::string_view associated) const {
  if (sealed.size() < kHeadBytes + kTagBytes ||
      sealed.size() > kHeadBytes + kPlainBytesMax + kTagBytes || sealed[0] != kVersion)
    return refused("this is no sealed text of a known version");
  const auto key = std::ranges::find_if(keys_, [&](const SealingKey& one) {
    return std::equal(one.id().begin(), one.id().end(), bytes_of(sealed) + 1);
  });
  if (key == keys_.end()) return refused("it is sealed with a key that is not configured");
  const Context context =
      begin(key->bytes_.data(), sealed.substr(0, kHeadBytes), associated, false);
  const std::string_view body = sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(body.size(), '\0');
  int written = 0;
  int rest = 0;
  const bool good =
      EVP_DecryptUpdate(context.get(), bytes_of(plain), &written, bytes_of(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(plain) + written, &rest) == 1 &&
      static_cast<std::size_t>(written) + static_cast<std::size_t>(rest) == plain.size();
  if (good) return plain;
  wipe(plain);  // of a text that somebody has changed nothing leaves here
  return refused("the sealed text was changed, or is somebody else's");
}

}  // namespace spool::crypto
