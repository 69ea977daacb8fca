// Dead letters for the eyes of operators; reading only. Each call is one statement on the caller's
// connection and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/message/header_block.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/event_filter.hpp"

namespace spool::store {

struct DeadLetterSummary {
  base::Uuid id;
  std::string handler;
  std::string source;
  std::string event_id;
  std::string event_type;
  std::int32_t life = 0;
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = -1;
  std::string error_type;
  std::string error_field;
  std::string error_message;
  std::string fingerprint;
  std::int32_t attempts = 0;
  std::string state;
  base::EpochMicros first_seen = 0;
  base::EpochMicros dead_at = 0;
  std::optional<base::EpochMicros> settled_at;  // resolved or discarded
  bool edited = false;
  bool erased = false;
  std::optional<std::string> note;
};

struct DeadLetterDetail {
  DeadLetterSummary summary;
  // The attempts that failed: [{"life", "attempt", "at", "error_type", "message"}].
  std::string history_json;
  std::optional<std::string> key;
  std::optional<std::string> value;
  message::OwnedHeaders headers;  // of the original record
};

struct DeadLetterPage {
  std::vector<DeadLetterSummary> letters;  // newest first
  std::string next;                        // empty: this was the last page
};

// At most `limit`, from `cursor` on: the `next` of the page before, empty: from the newest. Fails
// with `invalid` if the cursor is none.
base::Result<DeadLetterPage> list_dead_letters(postgres::Connection& connection,
                                               const EventFilter& filter, std::int64_t limit,
                                               const std::string& cursor);

struct DeadLetterBatch {
  std::vector<DeadLetterDetail> letters;  // oldest first
  std::string next;                       // empty: these were the last
};

// The letters in full, some megabytes at a time.
base::Result<DeadLetterBatch> read_dead_letters(postgres::Connection& connection,
                                                const EventFilter& filter,
                                                const std::string& cursor);

// Fails with `not_found`.
base::Result<DeadLetterDetail> show_dead_letter(postgres::Connection& connection,
                                                const base::Uuid& id);

}  // namespace spool::store
