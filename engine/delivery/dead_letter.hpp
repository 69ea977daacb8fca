// A dead letter as other systems see it: the headers of its record in the dead-letter topic, the id
// under which it is published, and the fingerprint that groups failures of one cause. Pure, any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/message/header_block.hpp"

namespace spool::delivery {

// Where and by whom an event was given up.
struct DeadLetterContext {
  std::string_view handler;
  std::string_view topic;
  std::int32_t partition = 0;
  std::string_view group;
  std::string_view release;  // of the program
  std::int32_t attempt = 1;
  std::int32_t life = 0;
  base::EpochMicros first_seen = 0;  // when its first attempt failed
};

// The original's headers, byte for byte and in order, then spool-* and __dlq.errors.* (KIP-1191).
// Those that the original carries already, from an earlier death or retry, are left out in favour
// of the new ones.
message::OwnedHeaders dead_letter_headers(const DeadLetter& letter,
                                          const DeadLetterContext& context);

// The same event in the same life always dies under the same id.
base::Uuid dead_letter_id(const DeadLetter& letter, std::int32_t life);

// Handler, error class and text, with numbers, quoted strings, uuids and dates blanked.
std::string fingerprint(std::string_view handler, const message::Rejection& why);

}  // namespace spool::delivery
