#include "engine/delivery/failure_class.hpp"

namespace spool::delivery {
namespace {

using enum message::ErrorType;
using enum ErrorKind;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

// A transfer is dear: fewer attempts, further apart.
constexpr std::array<milliseconds, 3> kTransfer{2min, 8min, 30min};
// Nothing is lost by looking every minute whether a disk or a database is well again.
constexpr std::array<milliseconds, 1> kOutage{1min};
// A person logs in again, a budget is renewed: soon enough for either, and no load.
constexpr std::array<milliseconds, 2> kPerson{5min, 15min};

constexpr std::span<const milliseconds> kLadder{};
constexpr milliseconds kForever{0};

constexpr std::array<FailureClass, message::kErrorTypeCount> kClasses{{
    // The bytes stay what they are. Those that cannot be read at all are poison.
    {schema_invalid_json, poison, {}, kForever, "parse error"},
    {schema_violation, permanent, {}, kForever, ""},
    // A later release may know the type: that is a replay.
    {schema_unknown_type, permanent, {}, kForever, ""},
    {payload_too_large, poison, {}, kForever, ""},
    {payload_corrupted, poison, {}, kForever, "corrupted payload, checksum mismatch"},
    {import_parse_error, poison, {}, kForever, "parse error"},
    // A private or invalid list stays one; what was away has an upstream class.
    {import_failed, permanent, {}, kForever, "import failed"},
    // Kept for review: only a mapping by hand makes a difference.
    {import_unmatched, permanent, {}, kForever, "import failed"},

    // The service or the way to it: the ladder is made for them, and Retry-After goes before it.
    {upstream_connect_timeout, transient, kLadder, kForever, "connection timeout"},
    {upstream_network, transient, kLadder, kForever, "network error"},
    {upstream_server_error, transient, kLadder, kForever, "server error"},
    // A limit that holds for a day is a quota, and somebody must see it.
    {upstream_rate_limited, transient, kLadder, 24h, "rate limited"},
    // An open breaker spares attempts; this is the answer of a call that was made.
    {upstream_unavailable, transient, kLadder, kForever, "server error"},
    {upstream_timeout, transient, kLadder, kForever, "connection timeout"},
    {upstream_stalled, transient, kTransfer, 6h, "transfer stalled"},
    // The same for all of a user's events: they wait for a login, without dying one by one.
    {upstream_auth, waiting, kPerson, kForever, "authentication failed"},
    // Here the login is good, and the answer is for this one thing.
    {upstream_forbidden, permanent, {}, kForever, "permission denied"},
    {upstream_quota, waiting, kPerson, kForever, "rate limited"},
    {upstream_not_found, permanent, {}, kForever, "remote client error"},
    {upstream_rejected, permanent, {}, kForever, "remote client error"},
    {source_purged, permanent, {}, kForever, "source purged"},

    // Refused on purpose: the dead letter is the answer.
    {policy_quality, permanent, {}, kForever, "quality rejected"},
    {policy_size, permanent, {}, kForever, "size rejected"},
    {policy_manual, permanent, {}, kForever, "manually rejected"},
    {policy_excluded, permanent, {}, kForever, "exclusion matched"},

    // An outage is not poison: the lane waits with all its events. One that fails alone while
    // others commit is a handler.timeout.
    {db_unavailable, waiting, kOutage, kForever, ""},
    {db_conflict, waiting, kOutage, kForever, ""},
    {db_disk_full, waiting, kOutage, kForever, "disk full"},
    {db_constraint, permanent, {}, kForever, ""},
    {local_disk_full, waiting, kOutage, kForever, "disk full"},

    {handler_timeout, transient, kLadder, kForever, ""},
    // Older than anybody wants it: time makes it no younger.
    {handler_expired, permanent, {}, kForever, ""},
    // A release mends it, not half an hour of retries: until then the dead letters of one bug stand
    // in one group, and are replayed together.
    {handler_bug, permanent, {}, kForever, ""},
    // It has ended the process several times before it is called that.
    {handler_crash, permanent, {}, kForever, ""},
    // Nobody knows, so it gets its chances; they are few.
    {other, transient, kLadder, kForever, ""},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i].type != static_cast<message::ErrorType>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "a row for each type, in the order of the types");

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case transient:
      return "transient";
    case permanent:
      return "permanent";
    case poison:
      return "poison";
    case waiting:
      return "waiting";
  }
  return "unknown";
}

const std::array<FailureClass, message::kErrorTypeCount>& failure_classes() {
  return kClasses;
}

const FailureClass& failure_class(message::ErrorType type) {
  return kClasses[static_cast<std::size_t>(type)];
}

}  // namespace spool::delivery
