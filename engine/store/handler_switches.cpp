#include "engine/store/handler_switches.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

// Who serves handler h.handler: what it has said, and which lanes it has. It lives as long as its
// session is there. One that has lanes may be between two sessions.
#define SPOOL_WORKERS                                                                           \
  "(select owner, a.version, a.seen_at, coalesce(l.lanes, 0) as lanes,"                         \
  " exists (select from pg_stat_activity s where s.pid = a.session"                             \
  " and s.datname = current_database() and coalesce(s.backend_start <= a.seen_at, true))"       \
  " or coalesce(l.lanes > 0 and greatest(a.seen_at, l.updated_at)"                              \
  " > clock_timestamp() - interval '15 seconds', false) as live"                                \
  " from (select * from spool.handler_acknowledgements where handler = h.handler) a"            \
  " full join (select owner, count(*) as lanes, max(updated_at) as updated_at from spool.lanes" \
  " where handler = h.handler and not clean group by owner) l using (owner))"

#define SPOOL_PAUSED "(s.paused and (s.until is null or s.until > clock_timestamp()))"

constexpr Statement kHandlers{
    "handlers_list",
    "select h.handler, coalesce(t.topic, ''), coalesce(" SPOOL_PAUSED
    ", false),"
    " (extract(epoch from s.until) * 1000000)::bigint, coalesce(s.reason, ''),"
    " coalesce(s.actor, ''), coalesce(s.version, 0),"
    " (extract(epoch from s.changed_at) * 1000000)::bigint,"
    " (select count(*) from spool.lanes l where l.handler = h.handler),"
    " (select count(*) from spool.open_events o where o.handler = h.handler), w.live, "
    "w.acknowledged"
    " from (select handler from spool.handler_topics"
    " union select handler from spool.handler_switches"
    " union select handler from spool.handler_acknowledgements) h"
    " left join spool.handler_topics t using (handler)"
    " left join spool.handler_switches s using (handler)"
    " cross join lateral (select count(*) filter (where live) as live,"
    " count(*) filter (where live and version >= coalesce(s.version, 0)) as acknowledged"
    " from " SPOOL_WORKERS " w) w where $1::text is null or h.handler = $1 order by 1"};

constexpr Statement kWorkers{
    "handler_workers",
    "select w.owner, w.lanes, w.version, (extract(epoch from w.seen_at) * 1000000)::bigint, w.live"
    " from (select $1::text as handler) h cross join lateral " SPOOL_WORKERS
    " w order by w.live desc, w.owner"};

constexpr Statement kLock{"handler_lock",
                          "select " SPOOL_PAUSED
                          " from spool.handler_switches s where handler = $1 for update"};

// $3: milliseconds from now on; null: without end.
constexpr Statement kDecide{
    "handler_decide",
    "insert into spool.handler_switches as s (handler, paused, until, reason, actor, version)"
    " values ($1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond', $4, $5, 1)"
    " on conflict (handler) do update set paused = excluded.paused, until = excluded.until,"
    " reason = excluded.reason, actor = excluded.actor, version = s.version + 1,"
    " changed_at = excluded.changed_at"
    " returning version, to_json(until)::text"};

constexpr Statement kNotify{"handler_notify", "select pg_notify('spool_commands', $1)"};

Result<bool> is_paused(Transaction& transaction, const std::string& handler) {
  auto rows = transaction.execute(kLock, Params::of(handler));
  if (!rows) return rows.failure();
  return !rows->empty() && rows->boolean(0, 0);
}

struct Decision {
  bool pause = false;
  std::optional<std::int64_t> milliseconds = {};
};

Result<std::int64_t> decide(Transaction& transaction, const std::string& handler, bool before,
                            const Decision& decision, const Operator& who) {
  auto rows = transaction.execute(
      kDecide, Params::of(handler, decision.pause, decision.milliseconds, who.reason, who.actor));
  if (!rows) return rows.failure();
  const std::int64_t version = rows->int64(0, 0);
  const auto until = rows->at(0, 1);
  const std::string detail = "{\"before\": \"" + std::string(before ? "paused" : "running") +
                             "\", \"until\": " + std::string(until.value_or("null")) +
                             ", \"version\": " + std::to_string(version) + "}";
  const std::string action = decision.pause ? "handler.pause" : "handler.resume";
  if (auto written = write_audit(transaction, who, {action, handler, handler, detail}); !written)
    return written.failure();
  if (auto told = transaction.execute(kNotify, Params::of(handler)); !told) return told.failure();
  if (auto done = transaction.commit(); !done) return done.failure();
  return version;
}

}  // namespace

Result<std::vector<HandlerInfo>> list_handlers(postgres::Connection& connection,
                                               const std::optional<std::string>& handler) {
  auto rows = connection.execute(kHandlers, Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<HandlerInfo> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    HandlerInfo info;
    info.handler = rows->text(i, 0);
    info.topic = rows->text(i, 1);
    info.paused = rows->boolean(i, 2);
    if (info.paused) info.until = rows->optional_int64(i, 3);
    info.reason = rows->text(i, 4);
    info.actor = rows->text(i, 5);
    info.version = rows->int64(i, 6);
    info.changed_at = rows->optional_int64(i, 7);
    info.lanes = rows->int64(i, 8);
    info.open_events = rows->int64(i, 9);
    info.workers = rows->int64(i, 10);
    info.workers_acknowledged = rows->int64(i, 11);
    all.push_back(std::move(info));
  }
  return all;
}

Result<std::vector<HandlerWorker>> handler_workers(postgres::Connection& connection,
                                                   const std::string& handler) {
  auto rows = connection.execute(kWorkers, Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<HandlerWorker> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    all.push_back({rows->text(i, 0), rows->int64(i, 1), rows->optional_int64(i, 2),
                   rows->optional_int64(i, 3), rows->boolean(i, 4)});
  }
  return all;
}

Result<std::int64_t> pause_handler(postgres::Connection& connection, const std::string& handler,
                                   const std::optional<std::chrono::milliseconds>& duration,
                                   const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  const auto before = is_paused(**begun, handler);
  if (!before) return before.failure();
  Decision decision{true};
  if (duration) decision.milliseconds = duration->count();
  return decide(**begun, handler, *before, decision, who);
}

Result<std::int64_t> resume_handler(postgres::Connection& connection, const std::string& handler,
                                    const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  const auto before = is_paused(**begun, handler);
  if (!before) return before.failure();
  if (!*before) return Failure(FailureKind::conflict, "handler " + handler + " is not paused");
  return decide(**begun, handler, *before, {}, who);
}

}  // namespace spool::store
