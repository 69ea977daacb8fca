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
};

struct DeadLetterDetail {
  DeadLetterSummary summary;
  std::optional<std::string> key;
  std::optional<std::string> value;
  message::OwnedHeaders headers;  // of the original record
};

struct DeadLetterFilter {
  std::optional<std::string> handler = {};
  std::optional<std::string> error_type = {};
  std::int64_t limit = 50;
  std::string cursor = {};  // the `next` of the page before; empty: from the newest
};

struct DeadLetterPage {
  std::vector<DeadLetterSummary> letters;  // newest first
  std::string next;                        // empty: this was the last page
};

// Fails with `invalid` if the cursor is none.
base::Result<DeadLetterPage> list_dead_letters(postgres::Connection& connection,
                                               const DeadLetterFilter& filter);

// Fails with `not_found`.
base::Result<DeadLetterDetail> show_dead_letter(postgres::Connection& connection,
                                                const base::Uuid& id);

}  // namespace spool::store
