#include "handlers/list_operations/admission_store.hpp"

#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

// One by one, here and below: before a table has statistics a join would read all of it.
constexpr Statement kFindKnown{
    "list_operations_find_known",
    "select q.id, q.list_id, q.life, q.status, q.begun_at is not null,"
    " exists (select 1 from media.operation_tombstones t"
    " where t.hash = media.operation_hash(e.source, e.event_id)),"
    " exists (select 1 from media.queued_list_operations o where o.id = e.row_id"
    " and (o.source, o.event_id) <> (e.source, e.event_id)), q.operation_type, q.operation_data,"
    " q.priority"
    " from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality"
    " as e (source, event_id, row_id, nr)"
    " left join lateral (select * from media.queued_list_operations q where q.source = e.source"
    " and q.event_id = e.event_id offset 0) q on true order by e.nr"};

#define SPOOL_NAMES                                       \
  "unnest($1::integer[], $2::integer[], $3::uuid[]) with" \
  " ordinality as n (tmdb_list_id, tmdb_user_id, list_ref, nr)"

constexpr Statement kMakeLists{
    "list_operations_make_lists",
    "insert into media.lists (tmdb_user_id, tmdb_list_id, list_ref, existence)"
    " select n.tmdb_user_id, n.tmdb_list_id, n.list_ref,"
    " case when n.tmdb_list_id is null then 'never' else 'unknown' end from " SPOOL_NAMES
    " where not exists (select 1 from media.lists l where l.tmdb_list_id = n.tmdb_list_id)"
    " and not exists (select 1 from media.lists l where l.tmdb_user_id = n.tmdb_user_id"
    " and l.list_ref = n.list_ref) order by n.nr on conflict do nothing"};

constexpr Statement kReadLists{
    "list_operations_read_lists",
    "select l.id, l.tmdb_user_id, l.tmdb_list_id, l.list_ref, " SPOOL_LIST_COLUMNS
    " from " SPOOL_NAMES
    " cross join lateral (select * from media.lists l where l.tmdb_list_id = n.tmdb_list_id"
    " union all select * from media.lists l where l.tmdb_user_id = n.tmdb_user_id"
    " and l.list_ref = n.list_ref) l order by n.nr"};

#undef SPOOL_NAMES

constexpr Statement kConfirmed{
    "list_operations_confirmed",
    "select c.list_id, c.movie_id from unnest($1::bigint[], $2::integer[]) as i (list_id, movie_id)"
    " cross join lateral (select * from media.user_list_items c where c.list_id = i.list_id"
    " and c.movie_id = i.movie_id offset 0) c order by c.list_id, c.position"};

constexpr Statement kWaiting{
    "list_operations_waiting",
    "select q.list_id, q.id, q.source, q.event_id, q.begun_at is not null,"
    " q.operation_type, q.operation_data, q.priority"
    " from unnest($1::bigint[], $2::boolean[]) as n (list_id, whole)"
    " cross join lateral (select * from media.queued_list_operations q"
    " where q.list_id = n.list_id and q.status in ('pending', 'processing') and not q.scheduled"
    " and (n.whole or q.begun_at is not null or q.movie_id is null"
    " or q.movie_id = any ($3::integer[])) offset 0) q"
    " where q.id <> all ($4::uuid[]) order by q.list_id, q.begun_at is null, q.position"};

// What is admitted again begins anew, as the newest.
constexpr Statement kWrite{
    "list_operations_write",
    "with admitted as (insert into media.queued_list_operations as q (id, source, event_id,"
    " list_id, operation_type, operation_data, tmdb_user_id, tmdb_list_id, list_ref, scheduled_for,"
    " next_attempt_at, priority, life, scheduled, reason, correlation_id, in_doubt, begun_at,"
    " status, finished_at)"
    " select e.id, e.source, e.event_id, e.list_id, e.operation_type, e.operation_data::jsonb,"
    " e.tmdb_user_id, e.tmdb_list_id, e.list_ref, " SPOOL_TIME("e.scheduled_for") ","
    " case when e.scheduled then " SPOOL_TIME("e.scheduled_for") " end, e.priority, e.life,"
    " e.scheduled, e.reason, e.correlation_id, e.in_doubt,"
    " case when e.in_doubt and e.operation_type = 'create_list' and e.reason is null then now() end,"
    " case when e.reason is null then 'pending' else 'completed' end,"
    " case when e.reason is not null then now() end"
    " from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[],"
    " $7::integer[], $8::integer[], $9::uuid[], $10::bigint[], $11::smallint[], $12::integer[],"
    " $13::boolean[], $14::text[], $15::text[], $21::boolean[])"
    " with ordinality as e (id, source, event_id,"
    " list_id, operation_type, operation_data, tmdb_user_id, tmdb_list_id, list_ref, scheduled_for,"
    " priority, life, scheduled, reason, correlation_id, in_doubt, nr) order by e.nr"
    " on conflict (source, event_id) do update set list_id = excluded.list_id,"
    " position = excluded.position, operation_type = excluded.operation_type,"
    " operation_data = excluded.operation_data, tmdb_user_id = excluded.tmdb_user_id,"
    " tmdb_list_id = excluded.tmdb_list_id, list_ref = excluded.list_ref,"
    " scheduled_for = excluded.scheduled_for, next_attempt_at = excluded.next_attempt_at,"
    " priority = excluded.priority, life = excluded.life, scheduled = excluded.scheduled,"
    " reason = excluded.reason, correlation_id = excluded.correlation_id,"
    " status = excluded.status, finished_at = excluded.finished_at, updated_at = now(),"
    " in_doubt = excluded.in_doubt, begun_at = excluded.begun_at,"
    " retry_count = 0, doubted_at = null, last_retry_at = null,"
    " error_type = null, error_message = null, result = null"
    " where q.life <= excluded.life and (q.begun_at is null or q.finished_at is not null)"
    " and (q.status = 'pending' or q.status = any ($19::text[])) returning 1),"
    " swallowed as (update media.queued_list_operations q set status = 'completed',"
    " reason = s.reason, finished_at = now(), next_attempt_at = null, updated_at = now()"
    " from unnest($16::uuid[], $17::text[], $22::boolean[]) as s (id, reason, begun)"
    " where q.id = s.id and q.status = any ($20::text[])"
    " and (q.begun_at is not null) = s.begun returning 1),"
    " over as (update media.lists l set existence = 'gone', complete = true, updated_at = now()"
    " where l.id = any ($18::bigint[]) and l.existence = 'never' returning 1)"
    " select (select count(*) from admitted), (select count(*) from swallowed),"
    " (select count(*) from over)"};

// The parameters of kWrite, $1 to $15 and $21.
struct Columns {
  ArrayText ids, sources, events, lists, types, data, users, tmdb_lists, refs, times, priorities,
      lives, scheduled, reasons, correlations, doubts;

  void add(const NewRow& row) {
    ids.add_uuid(row.id);
    sources.add_text(row.event.source);
    events.add_text(row.event.id);
    lists.add_int64(row.list);
    types.add_text(to_string(row.operation.change.type));
    data.add_text(data_json(row.operation.change));
    users.add_int64(row.operation.tmdb_user_id);
    add_optional(tmdb_lists, row.operation.tmdb_list_id);
    add_optional(refs, row.operation.list_ref);
    times.add_int64(row.operation.scheduled_for.value_or(0));
    priorities.add_int64(row.operation.priority);
    lives.add_int64(row.life);
    scheduled.add_bool(row.scheduled);
    add_text(reasons, row.reason);
    add_text(correlations, row.correlation_id);
    doubts.add_bool(row.in_doubt);
  }
};

}  // namespace

Result<std::vector<KnownEvent>> AdmissionStore::find_known(
    std::span<const message::Identity> events) {
  ArrayText sources;
  ArrayText ids;
  ArrayText row_ids;
  for (const message::Identity& event : events) {
    sources.add_text(event.source);
    ids.add_text(event.id);
    row_ids.add_uuid(message::row_uuid(event.source, event.id));
  }
  auto rows =
      transaction_.execute(kFindKnown, Params::of(sources.text(), ids.text(), row_ids.text()));
  if (!rows) return rows.failure();
  std::vector<KnownEvent> known(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    known[i].removed = rows->boolean(i, 5);
    known[i].id_taken = rows->boolean(i, 6);
    if (!rows->at(i, 0)) continue;
    const auto status = parse_operation_status(rows->text(i, 3));
    if (!status) return disagree("an operation of an unknown status");
    auto change = read_change(decoder_, *rows, i, 7);
    if (!change) return change.failure();
    known[i].row = KnownRow{rows->uuid(i, 0),    rows->int64(i, 1),  rows->int32(i, 2), *status,
                            rows->boolean(i, 4), std::move(*change), rows->int32(i, 9)};
  }
  return known;
}

// In the order of their names, in which nobody waits for each other in a circle.
Result<std::map<ListName, ListRow>> AdmissionStore::lists(const std::set<ListName>& names) {
  std::map<ListName, ListRow> lists;
  if (names.empty()) return lists;
  ArrayText tmdb_lists;
  ArrayText users;
  ArrayText refs;
  for (const ListName& name : names) {
    add_optional(tmdb_lists, name.tmdb_list_id);
    users.add_int64(name.tmdb_user_id);
    add_optional(refs, name.list_ref);
  }
  auto made =
      transaction_.execute(kMakeLists, Params::of(tmdb_lists.text(), users.text(), refs.text()));
  if (!made) return made.failure();
  auto rows =
      transaction_.execute(kReadLists, Params::of(tmdb_lists.text(), users.text(), refs.text()));
  if (!rows) return rows.failure();
  if (rows->size() != names.size()) return disagree("a list that was made is not there");
  std::size_t i = 0;
  for (const ListName& name : names) {
    lists.emplace(name,
                  ListRow{rows->int64(i, 0), rows->int32(i, 1), read_optional_int32(*rows, i, 2),
                          read_optional_uuid(*rows, i, 3), read_list_state(*rows, i, 4)});
    ++i;
  }
  return lists;
}

Result<std::vector<std::pair<std::int64_t, std::int32_t>>> AdmissionStore::confirmed(
    const std::set<std::pair<std::int64_t, std::int32_t>>& items) {
  std::vector<std::pair<std::int64_t, std::int32_t>> found;
  if (items.empty()) return found;
  ArrayText lists;
  ArrayText movies;
  for (const auto& [list, movie] : items) {
    lists.add_int64(list);
    movies.add_int64(movie);
  }
  auto rows = transaction_.execute(kConfirmed, Params::of(lists.text(), movies.text()));
  if (!rows) return rows.failure();
  for (std::size_t i = 0; i < rows->size(); ++i)
    found.emplace_back(rows->int64(i, 0), rows->int32(i, 1));
  return found;
}

Result<std::vector<WaitingRow>> AdmissionStore::waiting(const WaitingQuery& query) {
  std::vector<WaitingRow> waiting;
  if (query.lists.empty()) return waiting;
  ArrayText lists;
  ArrayText whole;
  ArrayText movies;
  ArrayText without;
  for (const auto& [list, all] : query.lists) {
    lists.add_int64(list);
    whole.add_bool(all);
  }
  for (const std::int32_t movie : query.movies) movies.add_int64(movie);
  for (const base::Uuid& id : query.without) without.add_uuid(id);
  auto rows = transaction_.execute(
      kWaiting, Params::of(lists.text(), whole.text(), movies.text(), without.text()));
  if (!rows) return rows.failure();
  waiting.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto change = read_change(decoder_, *rows, i, 5);
    if (!change) return change.failure();
    waiting.push_back({rows->int64(i, 0),
                       rows->uuid(i, 1),
                       {rows->text(i, 2), rows->text(i, 3)},
                       std::move(*change),
                       rows->boolean(i, 4),
                       rows->int32(i, 7)});
  }
  return waiting;
}

Result<std::int64_t> AdmissionStore::write(const AdmissionRows& rows) {
  if (rows.admitted.empty()) return std::int64_t{0};
  Columns c;
  ArrayText swallowed;
  ArrayText reasons;
  ArrayText over;
  ArrayText begun;
  for (const NewRow& row : rows.admitted) c.add(row);
  for (const SwallowedRow& row : rows.swallowed) {
    swallowed.add_uuid(row.id);
    reasons.add_text(row.reason);
    begun.add_bool(row.begun);
  }
  for (const std::int64_t list : rows.over) over.add_int64(list);
  auto written = transaction_.execute(
      kWrite,
      Params::of(c.ids.text(), c.sources.text(), c.events.text(), c.lists.text(), c.types.text(),
                 c.data.text(), c.users.text(), c.tmdb_lists.text(), c.refs.text(), c.times.text(),
                 c.priorities.text(), c.lives.text(), c.scheduled.text(), c.reasons.text(),
                 c.correlations.text(), swallowed.text(), reasons.text(), over.text(),
                 statuses_before(OperationStatus::pending),
                 statuses_before(OperationStatus::completed), c.doubts.text(), begun.text()));
  if (!written) return written.failure();
  if (written->int64(0, 0) != static_cast<std::int64_t>(rows.admitted.size()))
    return disagree("an operation that has begun or ended is admitted again");
  if (written->int64(0, 1) != static_cast<std::int64_t>(rows.swallowed.size()))
    return disagree("an operation that is swallowed does not wait");
  return written->int64(0, 0) + written->int64(0, 1) + written->int64(0, 2);
}

base::Status AdmissionStore::changed(const ChangedLists& lists) {
  return list_operations::changed(transaction_, lists);
}

}  // namespace spool::list_operations
