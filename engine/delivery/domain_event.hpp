// Domain events: what other systems are told of an event's end. Each follows from one event, its
// cause, and is published under an id that is derived from it, so that the same end is told under
// the same id whoever tells it. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/message/header_block.hpp"
#include "engine/message/identity.hpp"

namespace spool::delivery {

struct Route;
struct DeadLetter;
struct LaneId;

// The event that something follows from, as far as it is told on.
struct Cause {
  message::Identity identity;
  std::optional<std::string> key;  // of Kafka
  std::string traceparent;
  std::string correlation_id;
  std::int32_t life = 0;
};

struct Telling {
  Cause cause;
  std::int32_t nr = 0;  // among those of its cause and type in one transaction
  std::string type;
  std::string subject;
  std::string data;  // JSON
};

// Another handler that tells of the same event tells something else.
base::Uuid telling_id(const Telling& telling, std::string_view handler);

// `now`: of the transaction.
message::OwnedHeaders telling_headers(const Telling& telling, std::string_view handler,
                                      base::EpochMicros now);

// dead_letter.created.v1
Telling death_told(const DeadLetter& letter, Cause cause, const LaneId& lane, const Route& route);

}  // namespace spool::delivery
