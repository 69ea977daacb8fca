// Dead letters by what they have in common: a thousand failures of one cause are one line. Reading
// only, one statement on the caller's connection and thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/event_filter.hpp"

namespace spool::store {

enum class GroupBy {
  cause,  // the fingerprint: handler, error type and text without what varies
  handler,
  topic,
  error,
};

struct DeadLetterGroup {
  std::string group;  // the fingerprint, the handler, ...
  std::int64_t count = 0;
  base::EpochMicros first = 0;  // when the first and the last of them died
  base::EpochMicros last = 0;
  std::int64_t handlers = 0;  // how many there are among them, as of error types
  std::int64_t error_types = 0;
  // Of the newest.
  base::Uuid sample;
  std::string handler;
  std::string error_type;
  std::string message;
};

// The largest first, at most `limit`.
base::Result<std::vector<DeadLetterGroup>> group_dead_letters(postgres::Connection& connection,
                                                              const EventFilter& filter, GroupBy by,
                                                              std::int64_t limit);

}  // namespace spool::store
