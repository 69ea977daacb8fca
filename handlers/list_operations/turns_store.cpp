#include "handlers/list_operations/turns_store.hpp"

#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/list_cache.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

// A list that is somebody else's after all has lost its id; the operation knows it.
constexpr Statement kRead{
    "list_operations_turns",
    "select q.id, q.status, q.life, q.scheduled, q.operation_type, q.operation_data,"
    " q.correlation_id, " SPOOL_MICROS("q.begun_at") ", " SPOOL_MICROS("q.doubted_at") ","
    " q.tmdb_user_id, coalesce(l.tmdb_list_id, q.tmdb_list_id), " SPOOL_LIST_COLUMNS ","
    " s.state = 'active', s.sealed, c.status, c.error_message, " SPOOL_MICROS("now()")
    " from unnest($1::text[], $2::text[]) with ordinality as e (source, event_id, nr)"
    " left join lateral (select * from media.queued_list_operations q where q.source = e.source"
    " and q.event_id = e.event_id offset 0) q on true"
    " left join lateral (select * from media.lists l where l.id = q.list_id offset 0) l on true"
    " left join lateral (select * from media.tmdb_sessions s"
    " where s.tmdb_user_id = q.tmdb_user_id offset 0) s on true"
    " left join lateral (select c.status, c.error_message from media.queued_list_operations c"
    " where c.list_id = l.id and l.existence = 'never' and c.operation_type = 'create_list' and c.reason is null"
    " order by c.position desc limit 1) c on true order by e.nr"};

constexpr Statement kRevive{
    "list_operations_revive",
    "update media.queued_list_operations q set status = 'pending', life = r.life, retry_count = 0,"
    " begun_at = null, doubted_at = null, last_retry_at = null, next_attempt_at = null,"
    " finished_at = null, error_type = null, error_message = null, updated_at = now()"
    " from unnest($1::uuid[], $2::integer[]) as r (id, life) where q.id = r.id and q.life < r.life"
    " and q.status = 'failed' and q.status = any ($3::text[]) returning q.list_id"};

// Of the lists that are known by now, one that was found since the call began, and not created by
// an operation, may be its own.
constexpr Statement kDoubts{
    "list_operations_doubts",
    "select q.id, " SPOOL_MICROS("coalesce(q.begun_at, now())") ","
    " " SPOOL_MICROS("coalesce(q.doubted_at, now())") ", " SPOOL_MICROS("now()") ","
    " case when q.operation_type = 'create_list' then (select count(*)"
    " from media.queued_list_operations r where r.tmdb_user_id = q.tmdb_user_id and r.id <> q.id"
    " and r.operation_type = 'create_list' and r.status in ('pending', 'processing')"
    " and r.begun_at is not null and btrim(r.operation_data ->> 'name', E' \\t\\r\\n')"
    " = btrim(q.operation_data ->> 'name', E' \\t\\r\\n')) else 0 end,"
    " case when q.operation_type = 'clear_list' then array_to_string(array(select a.movie_id"
    " from media.queued_list_operations a where a.list_id = q.list_id and a.position > q.position"
    " and a.operation_type = 'add_movie' and a.status in ('pending', 'processing')), ',') end,"
    " case when q.operation_type = 'create_list' then array_to_string(array(select k.tmdb_list_id"
    " from media.lists k where k.tmdb_user_id = q.tmdb_user_id and k.id <> q.list_id"
    " and k.tmdb_list_id is not null"
    " and (k.list_ref is not null or k.created_at < coalesce(q.begun_at, now()))), ',') end,"
    " q.operation_type = 'create_list' and q.in_doubt and exists (select 1"
    " from media.queued_list_operations d where d.list_id = q.list_id and d.position > q.position"
    " and d.operation_type = 'delete_list' and d.in_doubt and d.status in ('pending', 'processing'))"
    " from media.queued_list_operations q where q.id = any ($1::uuid[])"};

constexpr Statement kMark{
    "list_operations_begin",
    "update media.queued_list_operations q set status = 'processing',"
    " begun_at = case when m.in_doubt then coalesce(q.begun_at, now()) else now() end,"
    " doubted_at = case when m.in_doubt then coalesce(q.doubted_at, now()) end,"
    " next_attempt_at = null, updated_at = now()"
    " from unnest($1::uuid[], $2::boolean[]) as m (id, in_doubt) where q.id = m.id"
    " and not q.scheduled and (q.status = 'processing' or q.status = any ($3::text[]))"};

// In the order in which settling locks them.
constexpr Statement kRunning{
    "list_operations_running",
    "with locked as materialized (select id from media.lists where id = any (array(select q.list_id"
    " from media.queued_list_operations q where q.id = any ($1::uuid[]))) order by id for update)"
    " update media.lists l set sync_status = 'running' from locked k where l.id = k.id"
    " returning l.id"};

// "1,2,3"
std::unordered_set<std::int32_t> numbers_of(std::string_view text) {
  std::unordered_set<std::int32_t> numbers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    numbers.insert(static_cast<std::int32_t>(std::stol(std::string(text.substr(0, end)))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return numbers;
}

Status changed_all(const Result<postgres::Rows>& rows, std::size_t expected, const char* what) {
  if (!rows) return rows.failure();
  if (rows->affected_rows() != static_cast<std::int64_t>(expected)) return disagree(what);
  return {};
}

ChangedLists lists_of(const postgres::Rows& rows) {
  ChangedLists lists;
  for (std::size_t i = 0; i < rows.size(); ++i) lists.emplace(rows.int64(i, 0), false);
  return lists;
}

}  // namespace

Result<std::vector<std::optional<TurnRow>>> TurnsStore::read(std::span<const handler::Turn> turns) {
  ArrayText sources;
  ArrayText ids;
  for (const handler::Turn& turn : turns) {
    sources.add_text(turn.event.source);
    ids.add_text(turn.event.id);
  }
  auto rows = transaction_.execute(kRead, Params::of(sources.text(), ids.text()));
  if (!rows) return rows.failure();
  std::vector<std::optional<TurnRow>> found(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (!rows->at(i, 0)) continue;
    auto change = read_change(decoder_, *rows, i, 4);
    if (!change) return change.failure();
    const auto status = parse_operation_status(rows->text(i, 1));
    if (!status) return disagree("an operation of an unknown status");
    TurnRow& row = found[i].emplace();
    row.id = rows->uuid(i, 0);
    row.status = *status;
    row.life = rows->int32(i, 2);
    row.scheduled = rows->boolean(i, 3);
    row.change = std::move(*change);
    row.correlation_id = rows->text(i, 6);
    row.begun_at = rows->int64(i, 7);
    row.doubted_at = rows->int64(i, 8);
    row.tmdb_user_id = rows->int32(i, 9);
    row.tmdb_list_id = read_optional_int32(*rows, i, 10);
    constexpr std::size_t kLogin = 11 + kListColumns;
    row.list = read_list_state(*rows, i, 11);
    if (rows->at(i, kLogin)) row.login = rows->boolean(i, kLogin);
    row.sealed = rows->bytes(i, kLogin + 1).value_or("");
    row.create_status = rows->text(i, kLogin + 2);
    row.create_error = rows->text(i, kLogin + 3);
    row.now = rows->int64(i, kLogin + 4);
  }
  return found;
}

Status TurnsStore::revive(const std::map<base::Uuid, std::int32_t>& lives) {
  if (lives.empty()) return {};
  ArrayText ids;
  ArrayText numbers;
  for (const auto& [id, life] : lives) {
    ids.add_uuid(id);
    numbers.add_int64(life);
  }
  const auto revived = transaction_.execute(
      kRevive, Params::of(ids.text(), numbers.text(), statuses_before(OperationStatus::pending)));
  const auto done =
      changed_all(revived, lives.size(), "an operation that is replayed has not failed");
  return done ? changed(transaction_, lists_of(*revived)) : done;
}

Result<std::map<base::Uuid, CallDoubt>> TurnsStore::doubts(std::span<const base::Uuid> operations) {
  std::map<base::Uuid, CallDoubt> doubts;
  if (operations.empty()) return doubts;
  ArrayText ids;
  for (const base::Uuid& id : operations) ids.add_uuid(id);
  auto rows = transaction_.execute(kDoubts, Params::of(ids.text()));
  if (!rows) return rows.failure();
  for (std::size_t i = 0; i < rows->size(); ++i) {
    CallDoubt& doubt = doubts[rows->uuid(i, 0)];
    doubt.begun_at = rows->int64(i, 1);
    doubt.ended_at = rows->int64(i, 2);
    doubt.now = rows->int64(i, 3);
    doubt.rivals = static_cast<std::size_t>(rows->int64(i, 4));
    doubt.later_adds = numbers_of(rows->text(i, 5));
    doubt.known_lists = numbers_of(rows->text(i, 6));
    doubt.deleted_behind = rows->boolean(i, 7);
  }
  return doubts;
}

Status TurnsStore::mark(std::span<const Mark> marks) {
  if (marks.empty()) return {};
  ArrayText ids;
  ArrayText doubts;
  for (const Mark& mark : marks) {
    ids.add_uuid(mark.id);
    doubts.add_bool(mark.in_doubt);
  }
  return changed_all(
      transaction_.execute(kMark, Params::of(ids.text(), doubts.text(),
                                             statuses_before(OperationStatus::processing))),
      marks.size(), "an operation that is to begin does not wait");
}

Status TurnsStore::mark_running(std::span<const base::Uuid> refreshes) {
  if (refreshes.empty()) return {};
  ArrayText ids;
  for (const base::Uuid& id : refreshes) ids.add_uuid(id);
  const auto running = transaction_.execute(kRunning, Params::of(ids.text()));
  if (!running) return running.failure();
  return changed(transaction_, lists_of(*running));
}

}  // namespace spool::list_operations
