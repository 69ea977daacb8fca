#include "handlers/list_operations/settlement_store.hpp"

#include "engine/base/text.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using handler::Settled;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr std::size_t kTextBytesMax = 1'000;

// The lists are locked first, in one order everywhere.
constexpr Statement kRead{
    "list_operations_settling",
    "with asked as materialized (select e.nr, q.* from unnest($1::text[], $2::text[])"
    " with ordinality as e (source, event_id, nr)"
    " cross join lateral (select * from media.queued_list_operations q where q.source = e.source"
    " and q.event_id = e.event_id offset 0) q),"
    " locked as materialized (select * from media.lists where id = any (array(select list_id"
    " from asked)) order by id for update)"
    " select q.nr, q.id, q.status, q.operation_type, q.operation_data, q.list_id, l.tmdb_user_id,"
    " l.tmdb_list_id, l.list_ref, " SPOOL_LIST_COLUMNS
    ", " SPOOL_MICROS("now()") " from asked q join locked l on l.id = q.list_id order by q.nr"};

// The row was last changed when its call began.
constexpr Statement kExpire{
    "list_operations_expire_sessions",
    "update media.tmdb_sessions s set state = 'expired', expired_at = now()"
    " where s.state = 'active' and exists (select 1 from media.queued_list_operations q"
    " where q.id = any ($1::uuid[]) and q.tmdb_user_id = s.tmdb_user_id"
    " and s.updated_at <= q.updated_at) returning s.tmdb_user_id"};

// What was withdrawn without ever having been begun, or doubted, may be merged again.
constexpr Statement kWrite{
    "list_operations_settle",
    "update media.queued_list_operations q set status = coalesce(s.status, q.status),"
    " life = s.life, updated_at = now(), next_attempt_at = " SPOOL_TIME("s.due") ","
    " retry_count = case s.fate when 'retried' then s.attempts else q.retry_count end,"
    " last_retry_at = case s.fate when 'retried' then now() else q.last_retry_at end,"
    " begun_at = case when s.fate <> 'withdrawn' or q.doubted_at is not null"
    " or q.retry_count > 0 then q.begun_at end,"
    " error_type = case when s.fate in ('retried', 'died') then s.error_type"
    " when s.fate <> 'done' then q.error_type end,"
    " error_message = case when s.fate in ('retried', 'died') then s.error_message"
    " when s.fate <> 'done' then q.error_message end,"
    " reason = s.reason, result = s.result, details = s.details::jsonb,"
    " finished_at = case when s.fate in ('done', 'died', 'cancelled') then now() end"
    " from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::bigint[],"
    " $7::text[], $8::text[], $9::text[], $10::text[], $12::text[]) as s (id, fate, status, life,"
    " attempts, due, error_type, error_message, reason, result, details)"
    " where q.id = s.id and q.life <= s.life"
    " and (s.status is null or s.status = q.status"
    " or q.status || '>' || s.status = any ($11::text[]))"};

constexpr Statement kPrioritize{
    "list_operations_prioritize",
    "update media.queued_list_operations q set priority = p.priority, updated_at = now()"
    " from unnest($1::uuid[], $2::smallint[]) as p (id, priority) where q.id = p.id"};

constexpr Statement kEndReading{
    "list_operations_end_reading",
    "update media.lists l set sync_status = case when n.failed then 'failed'"
    " when l.last_synced_at is null then 'never' else 'synced' end"
    " from unnest($1::bigint[], $2::boolean[]) as n (id, failed) where l.id = n.id"
    " and (n.failed or l.sync_status = 'running')"};

const char* word(Settled fate) {
  switch (fate) {
    case Settled::done:
      return "done";
    case Settled::retried:
      return "retried";
    case Settled::withdrawn:
      return "withdrawn";
    case Settled::died:
      return "died";
    case Settled::cancelled:
      return "cancelled";
    case Settled::hastened:
      return "hastened";
    case Settled::prioritized:
      break;
  }
  return "";
}

// The parameters of kWrite, $1 to $10 and $12.
struct Columns {
  ArrayText ids, fates, statuses, lives, attempts, dues, error_types, error_messages, reasons,
      results, details;

  void add(const Verdict& verdict) {
    const handler::Settling& settling = *verdict.settling;
    const Settled fate = settling.fate;
    ids.add_uuid(verdict.id);
    fates.add_text(word(fate));
    add_text(statuses, verdict.status ? to_string(*verdict.status) : std::string_view());
    lives.add_int64(settling.life);
    attempts.add_int64(settling.attempts);
    const bool ended = fate == Settled::done || fate == Settled::died || fate == Settled::cancelled;
    dues.add_int64(ended ? 0 : settling.due);
    const bool failed = fate == Settled::retried || fate == Settled::died;
    add_text(error_types, failed ? message::to_string(settling.why.type) : std::string_view());
    add_text(error_messages,
             failed ? base::printable(settling.why.message(), kTextBytesMax) : std::string());
    add_text(reasons, verdict.reason);
    add_text(results, base::printable(verdict.result, kTextBytesMax));
    add_text(details, verdict.details);
  }
};

}  // namespace

Result<std::vector<std::optional<SettledRow>>> SettlementStore::read(
    std::span<const handler::Settling> settlings) {
  ArrayText sources;
  ArrayText ids;
  for (const handler::Settling& settling : settlings) {
    sources.add_text(settling.event.source);
    ids.add_text(settling.event.id);
  }
  auto rows = transaction_.execute(kRead, Params::of(sources.text(), ids.text()));
  if (!rows) return rows.failure();
  std::vector<std::optional<SettledRow>> found(settlings.size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto change = read_change(decoder_, *rows, i, 3);
    if (!change) return change.failure();
    const auto status = parse_operation_status(rows->text(i, 2));
    if (!status) return disagree("an operation of an unknown status");
    SettledRow& row = found[static_cast<std::size_t>(rows->int64(i, 0)) - 1].emplace();
    row.id = rows->uuid(i, 1);
    row.status = *status;
    row.change = std::move(*change);
    row.list_id = rows->int64(i, 5);
    row.tmdb_user_id = rows->int32(i, 6);
    row.tmdb_list_id = read_optional_int32(*rows, i, 7);
    row.list_ref = read_optional_uuid(*rows, i, 8);
    row.list = read_list_state(*rows, i, 9);
    row.now = rows->int64(i, 9 + kListColumns);
  }
  return found;
}

Result<std::set<std::int32_t>> SettlementStore::expire(std::span<const base::Uuid> operations) {
  std::set<std::int32_t> users;
  if (operations.empty()) return users;
  ArrayText ids;
  for (const base::Uuid& id : operations) ids.add_uuid(id);
  auto rows = transaction_.execute(kExpire, Params::of(ids.text()));
  if (!rows) return rows.failure();
  for (std::size_t i = 0; i < rows->size(); ++i) users.insert(rows->int32(i, 0));
  return users;
}

Status SettlementStore::write(std::span<const Verdict> verdicts) {
  if (verdicts.empty()) return {};
  Columns c;
  for (const Verdict& verdict : verdicts) c.add(verdict);
  auto rows = transaction_.execute(
      kWrite,
      Params::of(c.ids.text(), c.fates.text(), c.statuses.text(), c.lives.text(), c.attempts.text(),
                 c.dues.text(), c.error_types.text(), c.error_messages.text(), c.reasons.text(),
                 c.results.text(), legal_transitions(), c.details.text()));
  if (!rows) return rows.failure();
  if (rows->affected_rows() != static_cast<std::int64_t>(verdicts.size()))
    return disagree("an operation cannot become what it is said to be");
  return {};
}

Status SettlementStore::prioritize(const std::map<base::Uuid, std::int16_t>& priorities) {
  if (priorities.empty()) return {};
  ArrayText ids;
  ArrayText wanted;
  for (const auto& [id, priority] : priorities) {
    ids.add_uuid(id);
    wanted.add_int64(priority);
  }
  auto done = transaction_.execute(kPrioritize, Params::of(ids.text(), wanted.text()));
  return done ? Status() : Status(done.failure());
}

Status SettlementStore::end_reading(const std::map<std::int64_t, bool>& lists) {
  if (lists.empty()) return {};
  ArrayText ids;
  ArrayText failed;
  for (const auto& [id, how] : lists) {
    ids.add_int64(id);
    failed.add_bool(how);
  }
  auto done = transaction_.execute(kEndReading, Params::of(ids.text(), failed.text()));
  return done ? Status() : Status(done.failure());
}

Status SettlementStore::changed(const ChangedLists& lists) {
  return list_operations::changed(transaction_, lists);
}

}  // namespace spool::list_operations
