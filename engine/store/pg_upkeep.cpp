// What the housekeeper asks of the store: counts for the metrics, and what is kept for a while
// only.
#include <algorithm>

#include "engine/store/pg_store.hpp"
#include "engine/store/statement_parts.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::Params;
using postgres::Statement;

constexpr Statement kOpenDeadLetters{
    "open_dead_letters",
    "select error_type, count(*), " SPOOL_MICROS("min(dead_at)")
    " from spool.dead_letters where handler = $1 and state = 'open' group by error_type"};

constexpr Statement kOpenEvents{
    "open_events_count",
    "select handler, partition, state, attempts, count(*), sum(bytes)::bigint,"
    " " SPOOL_MICROS("min(due_at) filter (where state <> 'parked')")
    " from spool.open_events group by handler, partition, state, attempts"};

// Each of the counts has an index of exactly what it counts.
constexpr Statement kBacklog{
    "backlog",
    "select (select count(*) from spool.outbox where error is null),"
    " (select " SPOOL_MICROS("created_at") " from spool.outbox where error is null"
    " order by number limit 1),"
    " (select count(*) from spool.outbox where error is not null),"
    " (select count(*) from spool.commands where kind = 'replay' and state = 'running'),"
    " (select count(*) from spool.commands where kind = 'replay' and state = 'paused')"};

constexpr Statement kKeepInbox{"inbox_keep", "select spool.keep_inbox($1)"};

// $1: milliseconds kept, $2: rows at most.
#define SPOOL_OLD "now() - $1::bigint * interval '1 millisecond'"

constexpr Statement kPruneBatches{
    "lane_batches_prune",
    "delete from spool.lane_batches where ctid = any (array(select ctid from spool.lane_batches"
    " where at < " SPOOL_OLD " limit $2 for update skip locked))"};

// A letter that holds its key, or is being replayed, is needed by its lane.
constexpr Statement kPruneLetters{
    "dead_letters_prune",
    "with old as (select d.id from spool.dead_letters d where d.dead_at < " SPOOL_OLD
    " and coalesce(d.settled_at, d.dead_at) < " SPOOL_OLD
    " and d.state <> 'replaying'"
    " and not exists (select 1 from spool.open_events o where o.handler = d.handler"
    " and o.source = d.source and o.event_id = d.event_id and o.state = 'dead')"
    " limit $2 for update of d skip locked),"
    " gone as (delete from spool.dead_letters d using old where d.id = old.id"
    " returning d.handler, d.source, d.event_id, d.life, d.partition, d.state)"
    " insert into spool.dead_letter_tombstones (handler, source, event_id, life, partition, state)"
    " select * from gone on conflict (handler, source, event_id) do nothing"};

// A lane's counter `dead` never forgets: neither may the audit.
constexpr Statement kPruneTombstones{
    "tombstones_prune",
    "with gone as (delete from spool.dead_letter_tombstones where ctid = any (array("
    "select ctid from spool.dead_letter_tombstones where removed_at < " SPOOL_OLD
    " limit $2 for update skip locked)) returning handler, partition, state),"
    " forgotten as (insert into spool.forgotten_deaths as f (handler, partition, events)"
    " select handler, partition, count(*) from gone where state in ('open', 'discarded')"
    " group by handler, partition order by handler, partition"
    " on conflict (handler, partition) do update set events = f.events + excluded.events)"
    " select count(*) from gone"};

constexpr Statement kPruneCommands{
    "commands_prune",
    "delete from spool.commands where id = any (array(select id from spool.commands"
    " where state in ('finished', 'cancelled') and created_at < " SPOOL_OLD
    " and coalesce(finished_at, created_at) < " SPOOL_OLD " limit $2 for update skip locked))"};

constexpr Statement kPruneAudit{
    "audit_log_prune",
    "delete from spool.audit_log where ctid = any (array(select ctid from spool.audit_log"
    " where at < " SPOOL_OLD " limit $2 for update skip locked))"};

constexpr Statement kPruneAcknowledgements{
    "handler_acknowledgements_prune",
    "delete from spool.handler_acknowledgements where ctid = any (array(select ctid"
    " from spool.handler_acknowledgements where seen_at < " SPOOL_OLD
    " limit $2 for update skip locked))"};
constexpr std::chrono::hours kAcknowledgementsKept{1};

#undef SPOOL_OLD

}  // namespace

Result<std::vector<OpenDeadLetters>> PgStore::open_dead_letters(const std::string& handler) {
  auto rows = execute(kOpenDeadLetters, Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<OpenDeadLetters> counts;
  for (std::size_t r = 0; r < rows->size(); ++r)
    counts.push_back({rows->text(r, 0), rows->int64(r, 1), rows->int64(r, 2)});
  return counts;
}

Result<std::vector<OpenEvents>> PgStore::open_events() {
  auto rows = execute(kOpenEvents);
  if (!rows) return rows.failure();
  std::vector<OpenEvents> counts;
  for (std::size_t r = 0; r < rows->size(); ++r) {
    counts.push_back({{rows->text(r, 0), rows->int32(r, 1)},
                      rows->text(r, 2),
                      rows->int32(r, 3),
                      rows->int64(r, 4),
                      rows->int64(r, 5),
                      rows->int64(r, 6)});
  }
  return counts;
}

Result<Backlog> PgStore::backlog() {
  auto rows = execute(kBacklog);
  if (!rows) return rows.failure();
  return Backlog{rows->int64(0, 0), rows->optional_int64(0, 1), rows->int64(0, 2),
                 rows->int64(0, 3), rows->int64(0, 4)};
}

Result<LedgerReport> PgStore::audit_ledger(std::optional<std::chrono::milliseconds> window) {
  auto open = connection();
  if (!open) return open.failure();
  return store::audit_ledger(**open, window.value_or(settings_.retention.lane_batches));
}

Status PgStore::keep_inbox() {
  const auto days = std::chrono::ceil<std::chrono::days>(settings_.retention.inbox).count();
  auto rows = execute(kKeepInbox, Params::of(days));
  if (!rows) return rows.failure();
  return {};
}

Result<std::int64_t> PgStore::prune(std::int64_t rows_max) {
  const Retention& kept = settings_.retention;
  std::int64_t most = 0;
  for (const auto& [statement, age] :
       {std::pair(&kPruneBatches, kept.lane_batches), std::pair(&kPruneLetters, kept.dead_letters),
        std::pair(&kPruneTombstones, kept.tombstones), std::pair(&kPruneCommands, kept.audit),
        std::pair(&kPruneAudit, kept.audit),
        std::pair(&kPruneAcknowledgements, std::chrono::milliseconds(kAcknowledgementsKept))}) {
    auto rows = execute(*statement, Params::of(age.count(), rows_max));
    if (!rows) return rows.failure();
    most = std::max(most, rows->columns() > 0 ? rows->int64(0, 0) : rows->affected_rows());
  }
  return most;
}

}  // namespace spool::store
