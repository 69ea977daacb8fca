#include "handlers/list_operations/operation_query.hpp"

#include "engine/postgres/array_text.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/page_cursor.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

// $1 to $6, of operations as q: what filter_params() gives.
#define SPOOL_OPERATION_MATCHES                                                     \
  "($1::uuid[] is null or q.id = any ($1)) and ($2::text is null or q.status = $2)" \
  " and ($3::integer is null or q.tmdb_user_id = $3)"                               \
  " and ($4::integer is null or q.tmdb_list_id = $4"                                \
  " or q.list_id in (select f.id from media.lists f where f.tmdb_list_id = $4))"    \
  " and ($5::uuid is null or q.list_ref = $5"                                       \
  " or q.list_id in (select f.id from media.lists f where f.list_ref = $5))"        \
  " and ($6::text is null or q.operation_type = $6)"

#define SPOOL_OPERATION_COLUMNS \
  "q.id, q.status, q.operation_type, q.tmdb_user_id, coalesce(l.tmdb_list_id, q.tmdb_list_id)," \
  " coalesce(l.list_ref, q.list_ref), l.name, q.operation_data, q.scheduled, q.retry_count,"   \
  " q.life, " SPOOL_MICROS("q.inserted_at") ", " SPOOL_MICROS("q.updated_at") ", "         \
  SPOOL_MICROS("q.scheduled_for") ", " SPOOL_MICROS("q.begun_at") ", "                     \
  SPOOL_MICROS("q.doubted_at") ", " SPOOL_MICROS("q.last_retry_at") ", "                   \
  SPOOL_MICROS("q.next_attempt_at") ", " SPOOL_MICROS("q.finished_at") ","                 \
  " q.error_type, q.error_message, q.reason, q.result, q.source, q.event_id, q.correlation_id,"  \
  " exists (select 1 from media.tmdb_sessions s where s.tmdb_user_id = q.tmdb_user_id"         \
  " and s.state = 'active'), q.priority"
#define SPOOL_OPERATIONS \
  " from media.queued_list_operations q join media.lists l on l.id = q.list_id"

constexpr std::size_t kInfoColumns = 28;

constexpr Statement kStats{
    "list_operations_stats",
    "select count(*) filter (where q.status = 'pending'),"
    " count(*) filter (where q.status = 'processing'),"
    " count(*) filter (where q.status = 'completed'),"
    " count(*) filter (where q.status = 'failed'),"
    " count(*) filter (where q.status = 'cancelled'), count(*),"
    " count(*) filter (where q.status = 'pending' and not q.scheduled and s.state is null),"
    " count(*) filter (where q.status = 'pending' and q.scheduled)"
    " from media.queued_list_operations q left join media.tmdb_sessions s"
    " on s.tmdb_user_id = q.tmdb_user_id and s.state = 'active'"
    " where $1::integer is null or q.tmdb_user_id = $1"};

constexpr Statement kList{
    "list_operations_list",
    "select " SPOOL_OPERATION_COLUMNS SPOOL_OPERATIONS " where " SPOOL_OPERATION_MATCHES
    " and ($7::bigint is null or (q.inserted_at, q.id) < (" SPOOL_TIME("$7::bigint") ", $8::uuid))"
    " order by q.inserted_at desc, q.id desc limit $9"};

constexpr Statement kShow{
    "list_operations_show",
    "select " SPOOL_OPERATION_COLUMNS
    ", o.handler || '/' || o.partition || '/' || o.number, o.state,"
    " coalesce(o.attempts, case when q.status = 'failed' then d.attempts end),"
    " case when q.status = 'failed' then d.id end, q.details" SPOOL_OPERATIONS
    " left join spool.open_events o on o.handler = 'list_operations' and o.source = q.source"
    " and o.event_id = q.event_id"
    " left join spool.dead_letters d on d.handler = 'list_operations' and d.source = q.source"
    " and d.event_id = q.event_id where q.id = $1"};

constexpr Statement kStatuses{
    "list_operations_statuses",
    "select id, status from media.queued_list_operations where id = any ($1::uuid[])"};

// A dead head is its dead letter's.
constexpr Statement kOpen{
    "list_operations_open",
    "select q.id, o.partition, o.number,"
    " o.state in ('head', 'scheduled') and o.due_at > clock_timestamp(), o.doubt_until is not null"
    " from media.queued_list_operations q join spool.open_events o"
    " on o.handler = 'list_operations' and o.source = q.source and o.event_id = q.event_id"
    " where o.state <> 'dead' and q.status in ('pending', 'processing')"
    " and " SPOOL_OPERATION_MATCHES " order by o.partition, o.number limit $7"};

constexpr Statement kFailed{
    "list_operations_failed",
    "select q.id, d.id from media.queued_list_operations q join spool.dead_letters d"
    " on d.handler = 'list_operations' and d.source = q.source and d.event_id = q.event_id"
    " where d.state = 'open' and q.status = 'failed' and " SPOOL_OPERATION_MATCHES
    " and ($7::text is null or d.error_type like"
    " replace(replace(replace(replace($7, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%'))"
    " order by d.dead_at, d.id limit $8"};

#undef SPOOL_OPERATION_MATCHES
#undef SPOOL_OPERATION_COLUMNS
#undef SPOOL_OPERATIONS

std::string uuids(const std::vector<base::Uuid>& ids) {
  postgres::ArrayText array;
  for (const base::Uuid& id : ids) array.add_uuid(id);
  return std::string(array.text());
}

Params filter_params(const OperationFilter& filter) {
  Params params;
  params.add(filter.ids.empty() ? std::optional<std::string>() : uuids(filter.ids));
  params.add(filter.status);
  params.add(filter.user);
  params.add(filter.list);
  params.add(filter.list_ref);
  params.add(filter.type);
  return params;
}

OperationInfo info_of(const Rows& rows, std::size_t row) {
  OperationInfo one;
  one.id = rows.uuid(row, 0);
  one.status = rows.text(row, 1);
  one.type = rows.text(row, 2);
  one.user = rows.int32(row, 3);
  one.tmdb_list_id = read_optional_int32(rows, row, 4);
  one.list_ref = read_optional_uuid(rows, row, 5);
  one.list_name = rows.text(row, 6);
  one.data = rows.text(row, 7);
  one.scheduled = rows.boolean(row, 8);
  one.retry_count = rows.int32(row, 9);
  one.life = rows.int32(row, 10);
  one.inserted_at = rows.int64(row, 11);
  one.updated_at = rows.int64(row, 12);
  one.scheduled_for = rows.int64(row, 13);
  one.begun_at = rows.int64(row, 14);
  one.doubted_at = rows.int64(row, 15);
  one.last_retry_at = rows.int64(row, 16);
  one.next_attempt_at = rows.int64(row, 17);
  one.finished_at = rows.int64(row, 18);
  one.error_type = rows.text(row, 19);
  one.error_message = rows.text(row, 20);
  one.reason = rows.text(row, 21);
  one.result = rows.text(row, 22);
  one.source = rows.text(row, 23);
  one.event_id = rows.text(row, 24);
  one.correlation_id = rows.text(row, 25);
  one.logged_in = rows.boolean(row, 26);
  one.priority = rows.int32(row, 27);
  return one;
}

}  // namespace

Result<OperationStats> count_operations(postgres::Connection& connection,
                                        std::optional<std::int32_t> user) {
  auto rows = connection.execute(kStats, Params::of(user));
  if (!rows) return rows.failure();
  OperationStats stats;
  stats.pending = rows->int64(0, 0);
  stats.processing = rows->int64(0, 1);
  stats.completed = rows->int64(0, 2);
  stats.failed = rows->int64(0, 3);
  stats.cancelled = rows->int64(0, 4);
  stats.total = rows->int64(0, 5);
  stats.waiting_for_session = rows->int64(0, 6);
  stats.scheduled = rows->int64(0, 7);
  return stats;
}

Result<OperationPage> operation_page(postgres::Connection& connection,
                                     const OperationFilter& filter, std::int64_t limit,
                                     const std::string& cursor) {
  const auto from = store::parse_page_cursor(cursor, "operations");
  if (!from) return from.failure();
  Params params = filter_params(filter);
  params.add(from->time);
  params.add(from->id);
  params.add(limit + 1);  // one more tells whether there is another page
  auto rows = connection.execute(kList, std::move(params));
  if (!rows) return rows.failure();
  OperationPage page;
  const auto wanted = static_cast<std::size_t>(limit);
  for (std::size_t i = 0; i < rows->size() && i < wanted; ++i)
    page.operations.push_back(info_of(*rows, i));
  if (rows->size() > wanted && !page.operations.empty()) {
    const OperationInfo& last = page.operations.back();
    page.next = store::page_cursor(last.inserted_at, last.id);
  }
  return page;
}

Result<OperationDetail> show_operation(postgres::Connection& connection, const base::Uuid& id) {
  auto rows = connection.execute(kShow, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty())
    return Failure(FailureKind::not_found, "there is no operation " + base::to_string(id) +
                                               ": not taken up yet, or removed already");
  OperationDetail detail;
  detail.info = info_of(*rows, 0);
  detail.open_event = rows->text(0, kInfoColumns);
  detail.open_state = rows->text(0, kInfoColumns + 1);
  detail.attempts = rows->optional_int64(0, kInfoColumns + 2);
  detail.details = rows->text(0, kInfoColumns + 4);
  detail.dead_letter = read_optional_uuid(*rows, 0, kInfoColumns + 3);
  return detail;
}

Result<std::map<base::Uuid, std::string>> statuses(postgres::Connection& connection,
                                                   const std::vector<base::Uuid>& ids) {
  auto rows = connection.execute(kStatuses, Params::of(uuids(ids)));
  if (!rows) return rows.failure();
  std::map<base::Uuid, std::string> found;
  for (std::size_t i = 0; i < rows->size(); ++i) found[rows->uuid(i, 0)] = rows->text(i, 1);
  return found;
}

Result<std::vector<OpenOperation>> find_open(postgres::Connection& connection,
                                             const OperationFilter& filter, std::int64_t limit) {
  Params params = filter_params(filter);
  params.add(limit);
  auto rows = connection.execute(kOpen, std::move(params));
  if (!rows) return rows.failure();
  std::vector<OpenOperation> found;
  found.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const bool waits = rows->at(i, 3) && rows->boolean(i, 3);
    found.push_back(
        {rows->uuid(i, 0), rows->int32(i, 1), rows->int64(i, 2), waits, rows->boolean(i, 4)});
  }
  return found;
}

Result<std::vector<FailedOperation>> find_failed(postgres::Connection& connection,
                                                 const OperationFilter& filter,
                                                 const std::optional<std::string>& error,
                                                 std::int64_t limit) {
  Params params = filter_params(filter);
  params.add(error);
  params.add(limit);
  auto rows = connection.execute(kFailed, std::move(params));
  if (!rows) return rows.failure();
  std::vector<FailedOperation> found;
  found.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i)
    found.push_back({rows->uuid(i, 0), rows->uuid(i, 1)});
  return found;
}

std::string waits_for(const OperationInfo& operation) {
  if (operation.status != "pending") return {};
  if (operation.scheduled) return "time";
  if (!operation.logged_in) return "session";
  return operation.next_attempt_at != 0 ? "attempt" : "turn";
}

}  // namespace spool::list_operations
