#include "engine/delivery/order_key.hpp"

#include <xxhash.h>

#include <cstdint>
#include <memory>

namespace spool::delivery {
namespace {

// Kinds are kept apart, and so are ("ab", "c") and ("a", "bc").
KeyHash hash(char kind, std::string_view first, std::string_view second) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  const std::uint64_t first_bytes = first.size();
  XXH3_128bits_reset(state.get());
  XXH3_128bits_update(state.get(), &kind, 1);
  XXH3_128bits_update(state.get(), &first_bytes, sizeof first_bytes);
  XXH3_128bits_update(state.get(), first.data(), first.size());
  XXH3_128bits_update(state.get(), second.data(), second.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  KeyHash key;
  static_assert(sizeof canonical.digest == sizeof key.bytes);
  std::memcpy(key.bytes.data(), canonical.digest, sizeof canonical.digest);
  return key;
}

}  // namespace

KeyHash hash_kafka_key(std::string_view key) {
  // Once for each record while anything is held: without the state that the others need.
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(key.data(), key.size()));
  KeyHash hashed;
  std::memcpy(hashed.bytes.data(), canonical.digest, sizeof canonical.digest);
  return hashed;
}

KeyHash hash_finer_key(std::string_view kafka_key, std::string_view finer) {
  return hash('f', kafka_key, finer);
}

KeyHash hash_own_key(std::string_view source, std::string_view id) {
  return hash('o', source, id);
}

}  // namespace spool::delivery
