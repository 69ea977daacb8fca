// What leaves when an event fails, as other systems see it: the headers of its retry record and of
// its dead letter, the ids under which they are published, and the fingerprint that groups failures
// of one cause. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/delivery/open_events.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/message/header_block.hpp"

namespace spool::delivery {

// Where and by whom it is sent.
struct Sender {
  std::string_view handler;
  std::string_view topic;  // the main one
  std::int32_t partition = 0;
  std::string_view group;
  std::string_view release;   // of the program
  base::EpochMicros now = 0;  // of the transaction
};

// The original's headers, byte for byte and in order, then spool-*. Those that the original carries
// already, from an earlier retry or death, are left out in favour of the new ones. `row`: as the
// failed attempt leaves it.
message::OwnedHeaders retry_headers(const message::Record& record, const OpenRow& row,
                                    const message::Rejection& why, const Sender& sender);

// The same, with __dlq.errors.* (KIP-1191).
message::OwnedHeaders dead_letter_headers(const DeadLetter& letter, const Sender& sender);

// The packed header that names the replay which began an event's life, but for its value: the 36
// characters of the command's id, which stand behind it.
std::string replay_header_prefix();

// The same attempt at an event in the same life always announces itself under the same id.
base::Uuid retry_id(std::string_view source, std::string_view id, const OpenRow& row);
// The same event in the same life always dies under the same id.
base::Uuid dead_letter_id(const DeadLetter& letter);

// Handler, error class and text, with numbers, quoted strings, uuids and dates blanked.
std::string fingerprint(std::string_view handler, const message::Rejection& why);

}  // namespace spool::delivery
