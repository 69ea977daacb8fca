// Writes folded rows to media.watch_progress, one statement for all of them. Owned by one batch,
// used by one thread; keeps its memory from call to call.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.hpp"
#include "engine/postgres/array_text.hpp"
#include "handlers/progress_events/fold.hpp"
#include "handlers/progress_events/staged_events.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::progress_events {

class ProgressStore {
 public:
  // Each item at most once in `rows`. How many of them changed the table; the others were stale.
  base::Result<std::int64_t> write(postgres::Transaction& transaction, const StagedEvents& events,
                                   std::span<const FoldedRow> rows);

 private:
  void reset();
  void add(const StagedEvents& events, const FoldedRow& row);

  // One array per column, in the order of the statement's parameters.
  struct Columns {
    postgres::ArrayText user_id, media_type, tmdb_id, season, episode, position_s, duration_s;
    postgres::ArrayText updated_at, event_id, session_id, state, completed_at;
  };
  Columns columns_;
};

}  // namespace spool::progress_events
