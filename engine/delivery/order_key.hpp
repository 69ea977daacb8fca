// Which events wait for each other, as 128 bits. Two keys that share a hash wait for each other
// without need, and nothing worse. Pure, any thread. The hash is stored: it must never change.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "engine/base/uuid.hpp"

namespace spool::delivery {

using KeyHash = base::Uuid;

KeyHash hash_kafka_key(std::string_view key);
KeyHash hash_finer_key(std::string_view kafka_key, std::string_view finer);
// Of an event that waits for nobody but its own copies.
KeyHash hash_own_key(std::string_view source, std::string_view id);

struct KeyHashOf {
  std::size_t operator()(const KeyHash& key) const {
    std::size_t head = 0;
    std::memcpy(&head, key.bytes.data(), sizeof head);
    return head;
  }
};

}  // namespace spool::delivery
