// Inside of this folder only: what the statements of several files have in common; how times travel
// stands in time_columns.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/postgres/time_columns.hpp"

// As SQL, in pieces of string literals.
// A failed attempt, and a history with one more; of an event that fails without end the newest
// stay.
#define SPOOL_HISTORY_ENTRY(LIFE, ATTEMPT, TYPE, MESSAGE)                                         \
  "jsonb_build_object('life', " LIFE ", 'attempt', " ATTEMPT ", 'at', now(), 'error_type', " TYPE \
  ", 'message', " MESSAGE ")"
#define SPOOL_HISTORY(HISTORY, ENTRY)                                                   \
  "(case when jsonb_array_length(" HISTORY ") >= 50 then " HISTORY " - 0 else " HISTORY \
  " end "                                                                               \
  "|| " ENTRY ")"
// Packed headers, with the one that names the replay if there is one; PREFIX: of that header.
#define SPOOL_WITH_REPLAY(HEADERS, REPLAY_ID, PREFIX)                            \
  "case when " REPLAY_ID " is null then " HEADERS " else " HEADERS " || " PREFIX \
  "::bytea || convert_to(" REPLAY_ID "::text, 'UTF8') end"
// What a dead letter costs of the lane's bound when it is open again.
#define SPOOL_LETTER_BYTES                                                    \
  "(coalesce(octet_length(d.key), 0) + coalesce(octet_length(d.value), 0) + " \
  "octet_length(d.headers) + 300)"
// Of a statement that writes to the outbox: its last part, which yields a row only if it did.
#define SPOOL_DURABLE "(select set_config('synchronous_commit', 'on', true))"

namespace spool::store {

inline constexpr std::size_t kErrorBytesMax = 1000;

inline void add_bytes(postgres::ArrayText& array, const std::optional<std::string_view>& bytes) {
  if (bytes) {
    array.add_bytea(*bytes);
  } else {
    array.add_null();
  }
}

// The lane's memory and its rows disagree: our own fault, whose only cure is to stop.
inline base::Failure disagree(std::string_view what) {
  return {base::FailureKind::schema,
          "the lane's memory and its open events disagree: " + std::string(what)};
}

}  // namespace spool::store
