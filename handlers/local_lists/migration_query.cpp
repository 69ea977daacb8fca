#include "handlers/local_lists/migration_query.hpp"

#include "engine/postgres/connection.hpp"
#include "engine/store/page_cursor.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::local_lists {
namespace {

using base::Result;
using postgres::Params;
using postgres::Statement;

constexpr Statement kPage{
    "migration_page",
    "select m.id, m.tmdb_user_id, m.state, s.tmdb_user_id is not null, l.lists, l.done, l.failed,"
    " l.movies, l.movies_done, m.waiting, coalesce(m.error, l.problem), " SPOOL_MICROS(
        "m.created_at") ", " SPOOL_MICROS("m.updated_at") ", " SPOOL_MICROS("m.finished_at")
    " from media.list_migrations m left join media.tmdb_sessions s"
    " on s.tmdb_user_id = m.tmdb_user_id and s.state = 'active'"
    " cross join lateral (select count(*) as lists, count(*) filter (where w.state = 'done') as done,"
    " count(*) filter (where w.state = 'failed') as failed,"
    " coalesce(sum(w.expected), 0)::bigint as movies,"
    " coalesce(sum(w.done), 0)::bigint as movies_done, min(w.problem) as problem"
    " from media.list_migration_lists w where w.migration_id = m.id) l"
    " where ($1::integer is null or m.tmdb_user_id = $1) and ($2::text is null or m.state = $2)"
    " and ($3::bigint is null or (m.created_at, m.id) < (" SPOOL_TIME(
        "$3::bigint") ", $4::uuid)) order by m.created_at desc, m.id desc limit $5"};

constexpr Statement kLists{
    "migration_moved_lists",
    "select l.list_id, l.list_ref, c.name, l.state, l.expected, l.done, l.failed, l.checks,"
    " " SPOOL_MICROS(
        "l.checked_at") ", l.problem from media.list_migration_lists l"
                        " left join media.local_lists c on c.id = l.list_id"
                        " where l.migration_id = $1 order by l.number, l.list_id"};

}  // namespace

Result<MigrationPage> migration_page(postgres::Connection& connection,
                                     const MigrationFilter& filter, std::int64_t limit,
                                     const std::string& cursor) {
  const auto after = store::parse_page_cursor(cursor, "migrations");
  if (!after) return after.failure();
  const auto rows = connection.execute(
      kPage, Params::of(filter.user, filter.state, after->time, after->id, limit + 1));
  if (!rows) return rows.failure();
  MigrationPage page;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    if (page.migrations.size() == static_cast<std::size_t>(limit)) {
      const MigrationInfo& last = page.migrations.back();
      page.next = store::page_cursor(last.created_at, last.id);
      break;
    }
    page.migrations.push_back({rows->uuid(row, 0), rows->int32(row, 1), rows->text(row, 2),
                               rows->boolean(row, 3), rows->int64(row, 4), rows->int64(row, 5),
                               rows->int64(row, 6), rows->int64(row, 7), rows->int64(row, 8),
                               rows->int64(row, 9), rows->text(row, 10), rows->int64(row, 11),
                               rows->int64(row, 12), rows->int64(row, 13)});
  }
  return page;
}

Result<std::vector<MovedListInfo>> moved_lists(postgres::Connection& connection,
                                               const base::Uuid& migration) {
  const auto rows = connection.execute(kLists, Params::of(migration));
  if (!rows) return rows.failure();
  std::vector<MovedListInfo> lists;
  for (std::size_t row = 0; row < rows->size(); ++row)
    lists.push_back({rows->uuid(row, 0), rows->uuid(row, 1), rows->text(row, 2), rows->text(row, 3),
                     rows->int64(row, 4), rows->int64(row, 5), rows->int64(row, 6),
                     rows->int64(row, 7), rows->int64(row, 8), rows->text(row, 9)});
  return lists;
}

}  // namespace spool::local_lists
