#include "handlers/list_operations/list_cache.hpp"

#include <charconv>

#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/shown_list.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr Statement kChanged{
    "list_cache_changed",
    "insert into media.list_cache as c (list_id, version)"
    " select n.list_id, 1 from unnest($1::bigint[]) as n (list_id) order by n.list_id"
    " on conflict (list_id) do update set version = c.version + 1, body = null,"
    " refresh_wanted_at = case when c.list_id = any ($2::bigint[]) then null"
    " else c.refresh_wanted_at end"};

// $1: lists. One by one: before a table has statistics a join would read all of it.
#define SPOOL_COMPUTED \
  "with computed as materialized (select n.list_id, coalesce(c.version, 0) as version,"            \
  " jsonb_build_object('list', to_jsonb(h), 'items', i.items) as body"                             \
  " from unnest($1::bigint[]) as n (list_id)"                                                      \
  " left join lateral (select * from media.list_cache c where c.list_id = n.list_id offset 0) c"   \
  " on true cross join lateral (" SPOOL_SHOWN_LISTS " where s.list_id = n.list_id offset 0) h"     \
  " cross join lateral (select coalesce(jsonb_agg(jsonb_build_array(m.movie_id, m.mark,"           \
  " u.movie_id is not null, " SPOOL_MICROS("u.added_at") ") order by m.place), '[]') as items" \
  " from media.shown_list_items m left join media.user_list_items u"                               \
  " on u.list_id = m.list_id and u.movie_id = m.movie_id where m.list_id = n.list_id offset 0) i)"

// $2: milliseconds to live. In the order in which changed() takes the rows.
#define SPOOL_STORED                                                                            \
  ", stored as (insert into media.list_cache as c"                                              \
  " (list_id, version, filled_at, expires_at, used_at, body)"                                   \
  " select list_id, version, now(), now() + $2::bigint * interval '1 millisecond', now(), body" \
  " from computed order by list_id on conflict (list_id) do update set"                         \
  " filled_at = excluded.filled_at, expires_at = excluded.expires_at,"                          \
  " used_at = coalesce(c.used_at, excluded.used_at), body = excluded.body"                      \
  " where c.version = excluded.version returning 1)"

// Of a body and its list as l. $3: milliseconds until what was read becomes old; a list that is
// known as a whole without having been read was created here.
#define SPOOL_FROM_BODY(BODY)                                                               \
  " select r.*, (select string_agg(concat_ws(' ', i ->> 0, i ->> 1, i ->> 2, i ->> 3), ' '" \
  " order by nr) from jsonb_array_elements(" BODY                                           \
  " -> 'items') with ordinality as e (i, nr)),"                                             \
  " $3::bigint > 0 and l.tmdb_list_id is not null and l.existence in ('exists', 'unknown')" \
  " and coalesce(l.last_synced_at, case when l.complete then l.created_at end,"             \
  " timestamptz '-infinity') < now() - $3::bigint * interval '1 millisecond'"
#define SPOOL_RECORD(BODY) \
  " cross join lateral jsonb_to_record(" BODY " -> 'list') as r " SPOOL_SHOWN_LIST_TYPES

// The first two have the same parameters as the third.
constexpr Statement kCopy{
    "list_cache_copy",
    SPOOL_FROM_BODY("c.body") " from media.list_cache c join media.lists l on l.id = c.list_id"
    SPOOL_RECORD("c.body") " where c.list_id = any ($1::bigint[]) and $2::bigint > 0"
    " and c.body is not null and c.expires_at > now()"};
constexpr Statement kCompute{
    "list_cache_compute",
    SPOOL_COMPUTED SPOOL_FROM_BODY("c.body")
    " from computed c join media.lists l on l.id = c.list_id" SPOOL_RECORD("c.body")
    " where $2::bigint >= 0"};
constexpr Statement kComputeAndStore{
    "list_cache_compute_and_store",
    SPOOL_COMPUTED SPOOL_STORED SPOOL_FROM_BODY(
        "c.body") " from computed c join media.lists l on l.id = c.list_id" SPOOL_RECORD("c.body")};

constexpr Statement kFill{"list_cache_fill",
                          SPOOL_COMPUTED SPOOL_STORED " select count(*) from stored"};

// Whoever reads a list often does not write its row each time.
constexpr Statement kRead{
    "list_cache_read",
    "with used as (insert into media.list_cache as c (list_id, used_at, refresh_wanted_at)"
    " select $1::bigint, now(), case when $3::boolean then now() end"
    " where not exists (select from media.list_cache k where k.list_id = $1"
    " and k.used_at > now() - interval '1 minute'"
    " and (not $3::boolean or k.refresh_wanted_at is not null))"
    " on conflict (list_id) do update set used_at = excluded.used_at,"
    " refresh_wanted_at = coalesce(c.refresh_wanted_at, excluded.refresh_wanted_at))"
    " insert into media.list_cache_reads as d (day, result, reads)"
    " select (now() at time zone 'UTC')::date, $2::text, 1 where $2 is not null"
    " on conflict (day, result) do update set reads = d.reads + 1"};

constexpr Statement kState{
    "list_cache_state",
    "select count(*), count(used_at), count(body) filter (where expires_at > now()),"
    " coalesce(sum(pg_column_size(body)), 0)::bigint, count(refresh_wanted_at)"
    " from media.list_cache"};

constexpr Statement kDays{
    "list_cache_days",
    "select day::text, coalesce(sum(reads) filter (where result = 'hit'), 0)::bigint,"
    " coalesce(sum(reads) filter (where result = 'miss'), 0)::bigint,"
    " coalesce(sum(reads) filter (where result = 'stale'), 0)::bigint"
    " from media.list_cache_reads group by day order by day desc limit $1"};

std::string one_list(std::int64_t row) {
  ArrayText lists;
  lists.add_int64(row);
  return std::string(lists.text());
}

// "550 adding false 0 551 settled true 1714557600000000"
std::vector<ListItem> items_of(std::string_view text) {
  std::vector<ListItem> items;
  const auto next = [&text] {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
  };
  const auto number = [&next](auto& to) {
    const std::string_view word = next();
    std::from_chars(word.data(), word.data() + word.size(), to);
  };
  while (!text.empty()) {
    ListItem& item = items.emplace_back();
    number(item.movie_id);
    item.mark = next();
    item.confirmed = next() == "true";
    number(item.added_at);
  }
  return items;
}

Result<std::optional<ReadList>> read_with(postgres::Connection& connection,
                                          const Statement& statement, std::int64_t row,
                                          const CacheSettings& settings) {
  auto rows = connection.execute(statement, Params::of(one_list(row), settings.ttl.count(),
                                                       settings.refresh_interval.count()));
  if (!rows) return rows.failure();
  std::optional<ReadList> found;
  if (rows->empty()) return found;
  found.emplace();
  found->info = read_shown_list(*rows, 0);
  found->items = items_of(rows->text(0, kShownListColumns));
  found->stale = rows->boolean(0, kShownListColumns + 1);
  found->cached = &statement == &kCopy;
  return found;
}

}  // namespace

Status changed(postgres::Transaction& transaction, const ChangedLists& lists) {
  if (lists.empty()) return {};
  ArrayText all;
  ArrayText read;
  for (const auto& [row, is_read] : lists) {
    all.add_int64(row);
    if (is_read) read.add_int64(row);
  }
  auto done = transaction.execute(kChanged, Params::of(all.text(), read.text()));
  return done ? Status() : Status(done.failure());
}

Result<std::optional<ReadList>> read_list(postgres::Connection& connection, std::int64_t row,
                                          const CacheSettings& settings, bool past_cache) {
  const bool through = settings.ttl.count() > 0 && !past_cache;
  Result<std::optional<ReadList>> found = std::optional<ReadList>();
  if (through) {
    found = read_with(connection, kCopy, row, settings);
    if (found && !*found) found = read_with(connection, kComputeAndStore, row, settings);
  }
  if (!through || !found) found = read_with(connection, kCompute, row, settings);
  if (!found || !*found) return found;
  const ReadList& list = **found;
  if (!through && !list.stale) return found;
  std::optional<std::string> result;
  if (through) result = list.stale ? "stale" : list.cached ? "hit" : "miss";
  static_cast<void>(connection.execute(kRead, Params::of(row, result, list.stale)));
  return found;
}

Result<std::int64_t> fill_copies(postgres::Transaction& transaction,
                                 std::span<const std::int64_t> rows,
                                 std::chrono::milliseconds ttl) {
  if (rows.empty()) return std::int64_t{0};
  ArrayText lists;
  for (const std::int64_t row : rows) lists.add_int64(row);
  auto filled = transaction.execute(kFill, Params::of(lists.text(), ttl.count()));
  if (!filled) return filled.failure();
  return filled->int64(0, 0);
}

Result<CacheState> cache_state(postgres::Connection& connection, std::int64_t days) {
  auto rows = connection.execute(kState);
  if (!rows) return rows.failure();
  CacheState state{rows->int64(0, 0), rows->int64(0, 1), rows->int64(0, 2), rows->int64(0, 3),
                   rows->int64(0, 4)};
  auto reads = connection.execute(kDays, Params::of(days));
  if (!reads) return reads.failure();
  for (std::size_t i = 0; i < reads->size(); ++i)
    state.days.push_back(
        {reads->text(i, 0), reads->int64(i, 1), reads->int64(i, 2), reads->int64(i, 3)});
  return state;
}

}  // namespace spool::list_operations
