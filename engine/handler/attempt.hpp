// An attempt at an event, and what handlers say of it, whichever way the event takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/base/time.hpp"
#include "engine/message/rejection.hpp"

namespace spool::handler {

// The attempt at hand. Events come for the first time in life 0; each replay begins a new life.
struct Attempt {
  base::EpochMicros now = 0;  // the database's time: the only clock
  std::int32_t life = 0;
  std::int32_t number = 1;  // within the life
  // It was scheduled, and its time has come, or an operator said so: it is not to say NotDue again.
  bool called = false;
  // Of a handler that performs: it may have been begun, by somebody whom the database has
  // forgotten.
  bool in_doubt = false;
  // The database of this lane has been set back at some time: what it says of the world may be
  // older than what was done.
  bool after_set_back = false;
};

// The event is to be applied at this time, not before. It holds nobody up until then.
struct NotDue {
  base::EpochMicros due = 0;
};

// What stage() makes of an event: staged, rejected for ever, or not due yet.
using Staging = std::variant<std::monostate, message::Rejection, NotDue>;

// An event that apply() could not apply; it has left no trace in the database.
struct EventFailure {
  std::size_t event = 0;  // its number in the batch
  message::ErrorType type = message::ErrorType::other;
  std::string text = {};                             // printable, without secrets
  std::optional<base::EpochMicros> not_before = {};  // Retry-After, as a point in time
  std::string dependency = {};  // the service to blame, one of HandlerSpec::dependencies, or empty
};

// What other systems are told when an event has taken effect: published, through the outbox of the
// same transaction, to the topic of domain events, under the key of its cause.
struct DomainEvent {
  std::size_t cause = 0;  // the number in the batch of the event that it follows from
  std::string type;       // e.g. list.synced.v1
  std::string subject = {};
  std::string data;  // JSON
};

}  // namespace spool::handler
