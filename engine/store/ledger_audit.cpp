#include "engine/store/ledger_audit.hpp"

#include <cstdlib>

namespace spool::store {
namespace {

using postgres::Params;
using postgres::Rows;
using postgres::Statement;

// All checks answer alike: handler, partition, what, from, to, expected, found.
constexpr Statement kOpen{
    "audit_open",
    "select l.handler, l.partition, 'open', -1, -1, coalesce(o.events, 0), l.open"
    " from spool.lanes l left join (select handler, partition, count(*) as events"
    " from spool.open_events where state <> 'dead' group by handler, partition) o"
    " on o.handler = l.handler and o.partition = l.partition order by l.handler, l.partition"};

constexpr Statement kDead{
    "audit_dead",
    "select l.handler, l.partition, 'dead', -1, -1, coalesce(d.events, 0)::bigint, l.dead"
    " from spool.lanes l left join (select handler, partition, sum(events) as events from ("
    " select handler, partition, count(*) as events from spool.dead_letters"
    " where state in ('open', 'discarded') group by handler, partition"
    " union all select handler, partition, count(*) from spool.dead_letter_tombstones"
    " where state in ('open', 'discarded') group by handler, partition"
    " union all select handler, partition, events from spool.forgotten_deaths) all_of_them"
    " group by handler, partition) d on d.handler = l.handler and d.partition = l.partition"
    " where l.dead <> coalesce(d.events, 0) order by l.handler, l.partition"};

#define SPOOL_WINDOW "at >= now() - $1::bigint * interval '1 millisecond'"

constexpr Statement kPosition{
    "audit_position",
    "select l.handler, l.partition, 'position', least(b.to_offset, l.next_offset),"
    " greatest(b.to_offset, l.next_offset), b.to_offset, l.next_offset"
    " from spool.lanes l join (select distinct on (handler, partition) handler, partition,"
    " to_offset from spool.lane_batches where " SPOOL_WINDOW
    " order by handler, partition, seq desc) b"
    " on b.handler = l.handler and b.partition = l.partition"
    " where b.to_offset <> l.next_offset order by l.handler, l.partition"};

constexpr Statement kChain{
    "audit_chain",
    "select handler, partition, 'chain', least(before, from_offset), greatest(before, from_offset),"
    " before, from_offset from (select handler, partition, seq, from_offset, lag(to_offset)"
    " over (partition by handler, partition order by seq) as before"
    " from spool.lane_batches where " SPOOL_WINDOW
    ") b"
    " where before <> from_offset order by handler, partition, seq"};

// One that goes back leads to another log, and counts nothing.
constexpr Statement kBatch{
    "audit_batch",
    "select handler, partition, 'batch', from_offset, to_offset,"
    " greatest(to_offset - from_offset, 0), applied + duplicate + dead + open + gaps + lost"
    " from spool.lane_batches where " SPOOL_WINDOW
    " and applied + duplicate + dead + open + gaps + lost <> greatest(to_offset - from_offset, 0)"
    " order by handler, partition, seq"};

// A window that reaches back to the lane's start has made every counter; another one cannot have
// added more than there is.
constexpr Statement kCounters{
    "audit_counters",
    "select l.handler, l.partition, c.name, w.first, w.last, c.sum, c.counter"
    " from spool.lanes l join (select handler, partition, min(from_offset) as first,"
    " max(to_offset) as last, sum(applied)::bigint as applied, sum(duplicate)::bigint as duplicate,"
    " sum(dead)::bigint as dead, sum(open)::bigint as open, sum(gaps)::bigint as gaps,"
    " sum(lost)::bigint as lost from spool.lane_batches where " SPOOL_WINDOW
    " group by handler, partition) w on w.handler = l.handler and w.partition = l.partition"
    " cross join lateral (values ('applied', w.applied, l.applied),"
    " ('duplicate', w.duplicate, l.duplicate), ('dead', w.dead, l.dead), ('open', w.open, l.open),"
    " ('gaps', w.gaps, l.gaps), ('lost', w.lost, l.lost)) as c (name, sum, counter)"
    " where case when w.first = l.start_offset then c.counter <> c.sum else c.counter < c.sum end"
    " order by l.handler, l.partition, c.name"};

#undef SPOOL_WINDOW

void take_in(const Rows& rows, LedgerReport& report) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    LedgerFinding finding{{rows.text(i, 0), rows.int32(i, 1)},
                          rows.text(i, 2),
                          rows.int64(i, 3),
                          rows.int64(i, 4),
                          rows.int64(i, 5),
                          rows.int64(i, 6)};
    const std::int64_t difference = std::abs(finding.expected - finding.found);
    report.uncovered[finding.lane] += difference;
    if (difference != 0) report.findings.push_back(std::move(finding));
  }
}

}  // namespace

base::Result<LedgerReport> audit_ledger(postgres::Connection& connection,
                                        std::chrono::milliseconds window) {
  LedgerReport report;
  for (const Statement* check : {&kOpen, &kDead}) {
    auto rows = connection.execute(*check);
    if (!rows) return rows.failure();
    take_in(*rows, report);
  }
  for (const Statement* check : {&kPosition, &kChain, &kBatch, &kCounters}) {
    auto rows = connection.execute(*check, Params::of(window.count()));
    if (!rows) return rows.failure();
    take_in(*rows, report);
  }
  return report;
}

}  // namespace spool::store
