// What can be wrong with an attempt at an event: a closed list. Its words stand on the wire
// (spool-error-type), in metrics, in filters and in the configuration, so a word never changes.
// What is done about each: engine/delivery/failure_class.cpp. Pure, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace spool::message {

enum class ErrorType {
  schema_invalid_json,  // not JSON at all, or JSON that ends early
  schema_violation,     // a field (or the envelope) is missing, of a wrong type or out of range
  schema_unknown_type,  // an event type that the topic's handler does not know
  payload_too_large,    // more bytes than an event may have
  payload_corrupted,    // bytes that were damaged on their way, a checksum that does not fit
  import_parse_error,   // a file or a list that cannot be read
  import_failed,        // an import that cannot be carried out
  import_unmatched,     // a title that nothing is known of
  upstream_connect_timeout,  // the service took no connection in time
  upstream_network,          // no route, no name, a connection that broke
  upstream_server_error,     // it answered that it failed
  upstream_rate_limited,     // too many requests for now
  upstream_unavailable,      // it says that it is away
  upstream_timeout,          // no answer in time
  upstream_stalled,          // a transfer that stopped moving
  upstream_auth,             // it does not know us, or the user's session is over
  upstream_forbidden,        // it knows us and says no
  upstream_quota,            // the budget of the day or month is used up
  upstream_not_found,        // it has no such thing
  upstream_rejected,         // it says that the request is wrong
  source_purged,             // what the event refers to was deleted where it came from
  policy_quality,            // refused on purpose: not good enough
  policy_size,               // refused on purpose: too large or too small
  policy_manual,             // refused on purpose: by a person
  policy_excluded,           // refused on purpose: by a rule
  db_unavailable,            // PostgreSQL is away or overloaded
  db_conflict,               // transactions stand in each other's way
  db_disk_full,              // PostgreSQL has no room
  db_constraint,             // PostgreSQL refuses a value of it
  local_disk_full,           // this host has no room
  handler_timeout,           // the attempt took longer than it may
  handler_expired,           // the event is older than it may be
  handler_bug,               // the handler threw
  handler_crash,             // the process ended each time the event ran
  other,                     // none of these
};

inline constexpr std::size_t kErrorTypeCount = static_cast<std::size_t>(ErrorType::other) + 1;

// All of them, in their order.
const std::array<ErrorType, kErrorTypeCount>& error_types();

std::string_view to_string(ErrorType type);
std::optional<ErrorType> parse_error_type(std::string_view word);

}  // namespace spool::message
