#include "handlers/progress_events/progress_store.hpp"

#include <string_view>

#include "engine/postgres/transaction.hpp"

namespace spool::progress_events {
namespace {

// Which of two rows of an item is the newer: the same total order as in Fold, or the outcome would
// depend on how events fell into batches. The first column decides nearly always.
#define SPOOL_NEWER                                                                    \
  "(excluded.updated_at, excluded.event_id, excluded.position_s, excluded.duration_s," \
  " coalesce(excluded.session_id, ''), coalesce(excluded.state, ''))"                  \
  " > (w.updated_at, w.event_id, w.position_s, w.duration_s,"                          \
  " coalesce(w.session_id, ''), coalesce(w.state, ''))"
#define SPOOL_NEWER_OF(column) \
#column " = case when " SPOOL_NEWER " then excluded." #column " else w." #column " end, "

// An interval in microseconds is exact, where seconds as a floating-point number need luck; no
// measurable difference.
#define SPOOL_TIME(column) "'epoch'::timestamptz + " #column " * interval '1 microsecond'"

constexpr postgres::Statement kUpsert{
    "progress_events_upsert",
    "insert into media.watch_progress as w"
    " (user_id, media_type, tmdb_id, season, episode, position_s, duration_s,"
    " updated_at, event_id, session_id, state, completed_at)"
    " select user_id, media_type, tmdb_id, season, episode, position_s, duration_s, "
    SPOOL_TIME(updated_us) ", event_id, session_id, state, " SPOOL_TIME(completed_us)
    " from unnest($1::bigint[], $2::text[], $3::integer[], $4::smallint[], $5::smallint[],"
    " $6::integer[], $7::integer[], $8::bigint[], $9::text[], $10::text[], $11::text[],"
    " $12::bigint[]) as event(user_id, media_type, tmdb_id, season, episode, position_s,"
    " duration_s, updated_us, event_id, session_id, state, completed_us)"
    " on conflict (user_id, media_type, tmdb_id, season, episode) do update set "
    SPOOL_NEWER_OF(position_s) SPOOL_NEWER_OF(duration_s) SPOOL_NEWER_OF(updated_at)
    SPOOL_NEWER_OF(event_id) SPOOL_NEWER_OF(session_id) SPOOL_NEWER_OF(state)
    "completed_at = least(w.completed_at, excluded.completed_at)"
    " where " SPOOL_NEWER
    " or excluded.completed_at < coalesce(w.completed_at, 'infinity')"};

#undef SPOOL_TIME
#undef SPOOL_NEWER_OF
#undef SPOOL_NEWER

void add_or_null(postgres::ArrayText& column, std::string_view text) {
  if (text.empty()) {
    column.add_null();
  } else {
    column.add_text(text);
  }
}

}  // namespace

void ProgressStore::reset() {
  Columns& c = columns_;
  for (postgres::ArrayText* column :
       {&c.user_id, &c.media_type, &c.tmdb_id, &c.season, &c.episode, &c.position_s, &c.duration_s,
        &c.updated_at, &c.event_id, &c.session_id, &c.state, &c.completed_at})
    column->reset();
}

void ProgressStore::add(const StagedEvents& events, const FoldedRow& row) {
  Columns& c = columns_;
  const Progress& progress = events.progress(row.newest);
  c.user_id.add_int64(progress.user_id);
  c.media_type.add_text(to_string(progress.media_type));
  c.tmdb_id.add_int64(progress.tmdb_id);
  c.season.add_int64(progress.season);
  c.episode.add_int64(progress.episode);
  c.position_s.add_int64(progress.position_s);
  c.duration_s.add_int64(progress.duration_s);
  c.updated_at.add_int64(progress.updated_at);
  c.event_id.add_text(events.id(row.newest));
  add_or_null(c.session_id, events.session_id(row.newest));
  add_or_null(c.state, to_string(progress.state));
  if (row.completed_at) {
    c.completed_at.add_int64(*row.completed_at);
  } else {
    c.completed_at.add_null();
  }
}

base::Result<std::int64_t> ProgressStore::write(postgres::Transaction& transaction,
                                                const StagedEvents& events,
                                                std::span<const FoldedRow> rows) {
  if (rows.empty()) return std::int64_t{0};
  reset();
  for (const FoldedRow& row : rows) add(events, row);
  Columns& c = columns_;
  auto result = transaction.execute(
      kUpsert, postgres::Params::of(c.user_id.text(), c.media_type.text(), c.tmdb_id.text(),
                                    c.season.text(), c.episode.text(), c.position_s.text(),
                                    c.duration_s.text(), c.updated_at.text(), c.event_id.text(),
                                    c.session_id.text(), c.state.text(), c.completed_at.text()));
  if (!result) return result.failure();
  return result->affected_rows();
}

}  // namespace spool::progress_events
