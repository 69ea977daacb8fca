#include "handlers/list_operations/cleanup_duty.hpp"

#include <utility>

#include "engine/postgres/transaction.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using postgres::Params;
using postgres::Statement;

// $1: milliseconds kept, $2: rows at most. An admission reads the table and the tombstones in one
// statement, so it sees the row or the tombstone. What the engine may still bring back stays: an
// event that is open, and one whose dead letter is there, even if it is given up for now.
// These are looked up one by one: before a table has statistics a join would read all of it.
constexpr Statement kRemove{
    "list_operations_cleanup",
    "with old as (select q.id from media.queued_list_operations q"
    " where q.status in ('completed', 'cancelled', 'failed')"
    " and q.inserted_at < now() - $1::bigint * interval '1 millisecond'"
    " and q.finished_at < now() - $1::bigint * interval '1 millisecond'"
    " and not exists (select from spool.open_events o where o.handler = 'list_operations'"
    " and o.source = q.source and o.event_id = q.event_id offset 0)"
    " and not exists (select from spool.dead_letters d where d.handler = 'list_operations'"
    " and d.source = q.source and d.event_id = q.event_id"
    " and d.state <> 'resolved' and not d.erased offset 0)"
    " limit $2 for update of q skip locked),"
    " gone as (delete from media.queued_list_operations q using old where q.id = old.id"
    " returning media.operation_hash(q.source, q.event_id) as hash)"
    " insert into media.operation_tombstones (hash) select hash from gone order by hash"
    " on conflict (hash) do update set removed_on = excluded.removed_on"};

constexpr Statement kForget{
    "list_operations_forget",
    "delete from media.operation_tombstones where ctid = any (array(select ctid"
    " from media.operation_tombstones"
    " where removed_on < (now() - $1::bigint * interval '1 millisecond')::date"
    " limit $2 for update skip locked))"};

}  // namespace

Result<handler::DutyDone> CleanupDuty::run(postgres::Transaction& transaction) {
  handler::DutyDone done;
  for (const auto& [statement, kept] :
       {std::pair(&kRemove, settings_.operations), std::pair(&kForget, settings_.tombstones)}) {
    auto rows = transaction.execute(*statement, Params::of(kept.count(), settings_.rows_max));
    if (!rows) return rows.failure();
    done.rows += rows->affected_rows();
    done.more |= rows->affected_rows() >= settings_.rows_max;
  }
  return done;
}

}  // namespace spool::list_operations
