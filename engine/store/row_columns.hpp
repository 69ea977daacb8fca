// Inside of this folder only: rows of the lane's tables as the core knows them, each with the
// columns that a statement selects for it.
#pragma once

#include <cstddef>

#include "engine/delivery/ports.hpp"
#include "engine/postgres/rows.hpp"
#include "engine/postgres/transaction.hpp"
#include "engine/store/statement_parts.hpp"

#define SPOOL_SUSPICION_COLUMNS                                                              \
  "log_together, log_until, open_together, open_left, trial_origin, trial_at, trial_until, " \
  "trial_events, accused_origin, accused_at, ends"

// Of open_events as o.
#define SPOOL_OPEN_COLUMNS \
  "o.number, o.order_key, o.state, " SPOOL_MICROS( \
      "o.due_at") ", o.life, o.attempts, " SPOOL_MICROS("o.first_failed_at") ", o.bytes, o.called, " \
  SPOOL_MICROS("o.doubt_until") ", o.priority"
inline constexpr std::size_t kOpenColumns = 11;
// ... and of its record, behind them.
#define SPOOL_RECORD_COLUMNS "o.record_offset, o.record_timestamp_ms, o.key, o.value, o.headers"
inline constexpr std::size_t kRecordColumns = 5;

// Of dead_letters as d, with the dead head that it may be in its own lane ($1, $2) as held.
#define SPOOL_LETTER_COLUMNS                                                           \
  "d.id, d.source, d.event_id, d.order_key, d.life, d.state = 'open' and not d.erased" \
  " and d.partition = $2, coalesce(held.bytes, d.bytes), coalesce(held.number, -1)"
inline constexpr std::size_t kLetterColumns = 8;
#define SPOOL_JOIN_HELD                                                   \
  " left join lateral (select o.number, o.bytes from spool.open_events o" \
  " where o.handler = $1 and o.partition = $2 and o.source = d.source"    \
  " and o.event_id = d.event_id and o.state = 'dead' limit 1) held on true"

namespace spool::store {

// Each from its first column on.
delivery::Suspicion read_suspicion(const postgres::Rows& rows, std::size_t row, std::size_t column);
delivery::OpenRow read_open_row(const postgres::Rows& rows, std::size_t row);
// The row and its record, whose columns stand behind its own; fails if the stored headers are
// damaged.
base::Status append_open_row(const postgres::Rows& rows, std::size_t row, delivery::OpenPage& page);
delivery::FoundLetter read_letter(const postgres::Rows& rows, std::size_t row);

const char* to_string(delivery::OpenState state);

base::Status write_suspicion(postgres::Transaction& transaction, const delivery::LaneId& lane,
                             const delivery::Suspicion& suspicion);

}  // namespace spool::store
