#include "handlers/progress_events/progress_query.hpp"

#include "engine/postgres/transaction.hpp"

namespace spool::progress_events {
namespace {

#define SPOOL_MICROS(column) "(extract(epoch from " #column ") * 1000000)::bigint"
#define SPOOL_COLUMNS                                                                     \
  "user_id, media_type, tmdb_id, season, episode, position_s, duration_s, " SPOOL_MICROS( \
      updated_at) ", " SPOOL_MICROS(completed_at) ", session_id, state"

constexpr postgres::Statement kResume{
    "progress_events_resume",
    "select " SPOOL_COLUMNS
    " from media.watch_progress where user_id = $1::bigint"
    " and media_type = $2::text and tmdb_id = $3::integer and season = $4::smallint"
    " and episode = $5::smallint"};

constexpr postgres::Statement kContinue{
    "progress_events_continue",
    "select " SPOOL_COLUMNS
    " from (select distinct on (media_type, tmdb_id) *"
    " from media.watch_progress where user_id = $1::bigint"
    " order by media_type, tmdb_id, updated_at desc, season desc, episode desc) last_watched"
    " where position_s > 0 and position_s::bigint * 100 < duration_s::bigint * $2::integer"
    " order by updated_at desc, media_type, tmdb_id limit $3::integer"};

#undef SPOOL_COLUMNS
#undef SPOOL_MICROS

WatchedItem item_of(const postgres::Rows& rows, std::size_t row) {
  WatchedItem watched;
  watched.item.user_id = rows.int64(row, 0);
  watched.item.media_type = rows.at(row, 1) == "movie" ? MediaType::movie : MediaType::tv;
  watched.item.tmdb_id = rows.int32(row, 2);
  watched.item.season = rows.int32(row, 3);
  watched.item.episode = rows.int32(row, 4);
  watched.position_s = rows.int32(row, 5);
  watched.duration_s = rows.int32(row, 6);
  watched.updated_at = rows.int64(row, 7);
  watched.completed_at = rows.optional_int64(row, 8);
  watched.session_id = rows.text(row, 9);
  watched.state = rows.text(row, 10);
  return watched;
}

}  // namespace

base::Result<std::optional<WatchedItem>> resume_position(postgres::Transaction& transaction,
                                                         const Item& item) {
  auto rows =
      transaction.execute(kResume, postgres::Params::of(item.user_id, to_string(item.media_type),
                                                        item.tmdb_id, item.season, item.episode));
  if (!rows) return rows.failure();
  if (rows->empty()) return std::optional<WatchedItem>();
  return std::optional<WatchedItem>(item_of(*rows, 0));
}

base::Result<std::vector<WatchedItem>> continue_watching(postgres::Transaction& transaction,
                                                         std::int64_t user_id,
                                                         int completed_percent, int limit) {
  auto rows =
      transaction.execute(kContinue, postgres::Params::of(user_id, completed_percent, limit));
  if (!rows) return rows.failure();
  std::vector<WatchedItem> items;
  items.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) items.push_back(item_of(*rows, row));
  return items;
}

}  // namespace spool::progress_events
