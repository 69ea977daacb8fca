// How a lane is taken: who had it, what he leaves, what waits in it.
#include "engine/base/assert.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/store/pg_store.hpp"
#include "engine/store/row_columns.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kFormer{"lane_former",
                            "select clean, owner, epoch, seq, " SPOOL_SUSPICION_COLUMNS
                            " from spool.lanes where handler = $1 and partition = $2 for update"};

constexpr Statement kTake{
    "lane_take",
    "insert into spool.lanes as l"
    " (handler, partition, topic, epoch, token, seq, owner, start_offset, next_offset, clean)"
    " values ($1, $2, $3, 1, gen_random_uuid(), 1, $4, $5, $5, false)"
    " on conflict (handler, partition) do update set"
    " epoch = l.epoch + 1, token = excluded.token, seq = l.seq + 1, owner = excluded.owner,"
    " clean = false, state = 'running', reason = null, detail = null,"
    " taken_at = clock_timestamp(), updated_at = clock_timestamp()"
    " returning epoch, token, seq, start_offset, next_offset, last_offset,"
    " last_timestamp_ms, applied, duplicate, dead, open, gaps, lost, topic, doubt_below,"
    " " SPOOL_MICROS("doubt_until")};

// Somebody whom the database has forgotten may have begun any of them.
constexpr Statement kDoubt{
    "lane_doubt",
    "with until as (select clock_timestamp() + $3::bigint * interval '1 microsecond' as until),"
    " waiting as (update spool.open_events o set doubt_until = u.until from until u"
    " where o.handler = $1 and o.partition = $2 and o.state <> 'dead')"
    " update spool.lanes l set doubt_below = greatest(l.doubt_below, $4), doubt_until = u.until"
    " from until u where l.handler = $1 and l.partition = $2"
    " returning l.doubt_below, " SPOOL_MICROS("l.doubt_until")};

// Whoever has held the lane's row for longer than an owner may be silent. No timeout of the server
// ends a client that froze while it was sending a statement: the server is neither idle nor
// executing then, it reads.
constexpr Statement kEndHolder{
    "lane_end_holder",
    "select pg_terminate_backend(k.pid) from spool.lanes l"
    " join pg_locks k on k.locktype = 'transactionid' and k.transactionid = l.xmax and k.granted"
    " join pg_stat_activity a on a.pid = k.pid"
    " where l.handler = $1 and l.partition = $2"
    " and a.xact_start < clock_timestamp() - $3::bigint * interval '1 millisecond'"};

// Statements of their own: the one that takes the lane may have waited for the last commit of the
// owner before, and would not see what that one wrote.
constexpr Statement kOutboxPending{"outbox_pending",
                                   "select exists (select 1 from spool.outbox"
                                   " where handler = $1 and partition = $2 and error is null)"};

constexpr Statement kHeldKeys{
    "lane_held_keys",
    "select order_key, count(*), coalesce(max(number) filter (where state <> 'parked'), -1),"
    " " SPOOL_MICROS("max(due_at) filter (where state <> 'parked')") ","
    " bool_or(state = 'dead'), coalesce(max(priority) filter (where state <> 'parked'), 0)"
    " from spool.open_events where handler = $1 and partition = $2 and state <> 'scheduled'"
    " group by order_key"};

constexpr Statement kOpenTotals{
    "lane_open_totals",
    "select count(*) filter (where state <> 'dead'), coalesce(sum(bytes), 0),"
    " coalesce(max(number), 0) + 1, bool_or(state = 'scheduled') is true,"
    " " SPOOL_MICROS("min(due_at) filter (where state = 'scheduled')")
    " from spool.open_events where handler = $1 and partition = $2"};

constexpr Statement kCompanions{"lane_companions_read",
                                "select topic, next_offset from spool.lane_companions"
                                " where handler = $1 and partition = $2"};

delivery::LaneState lane_state(const Rows& rows) {
  delivery::LaneState state;
  state.epoch = rows.int64(0, 0);
  state.claim = {rows.uuid(0, 1), rows.int64(0, 2)};
  state.start = rows.int64(0, 3);
  state.next = rows.int64(0, 4);
  state.last_offset = rows.int64(0, 5);
  state.last_timestamp_ms = rows.int64(0, 6);
  state.counters = {rows.int64(0, 7),  rows.int64(0, 8),  rows.int64(0, 9),
                    rows.int64(0, 10), rows.int64(0, 11), rows.int64(0, 12)};
  state.doubt_below = rows.int64(0, 14);
  state.doubt_until = rows.int64(0, 15);
  return state;
}

// What waits in the lane, to be read behind the fence.
Status read_waiting(postgres::Transaction& transaction, const delivery::LaneId& lane,
                    delivery::LaneState& state) {
  const auto ask = [&](const Statement& statement) {
    return transaction.execute(statement, Params::of(lane.handler, lane.partition));
  };
  auto pending = ask(kOutboxPending);
  if (!pending) return pending.failure();
  state.outbox_pending = pending->boolean(0, 0);
  auto totals = ask(kOpenTotals);
  if (!totals) return totals.failure();
  state.open.events = totals->int64(0, 0);
  state.open.bytes = totals->int64(0, 1);
  state.open.next_number = totals->int64(0, 2);
  if (totals->boolean(0, 3)) state.open.next_scheduled = totals->int64(0, 4);
  auto companions = ask(kCompanions);
  if (!companions) return companions.failure();
  for (std::size_t i = 0; i < companions->size(); ++i)
    state.companions.emplace(companions->text(i, 0), companions->int64(i, 1));
  auto keys = ask(kHeldKeys);
  if (!keys) return keys.failure();
  state.open.keys.reserve(keys->size());
  for (std::size_t i = 0; i < keys->size(); ++i) {
    delivery::Held held{keys->int64(i, 1), keys->int64(i, 2), keys->int64(i, 3),
                        keys->boolean(i, 4)};
    held.priority = static_cast<std::int16_t>(keys->int32(i, 5));
    state.open.keys.push_back({keys->uuid(i, 0), held});
  }
  return {};
}

}  // namespace

Result<delivery::LaneState> PgStore::take(const delivery::LaneId& lane, const std::string& topic,
                                          std::int64_t earliest, const delivery::Witness& witness) {
  auto state = try_take(lane, topic, earliest, witness);
  if (state || state.failure().kind != FailureKind::slow) return state;
  // The group gave the lane to us: what its former owner has under way is fenced, or will be
  // delivered to us again. The next try finds the row free.
  const auto silent_for = settings_.connection.idle_in_transaction_timeout.count();
  auto ended = execute(kEndHolder, Params::of(lane.handler, lane.partition, silent_for));
  if (!ended) return ended.failure();
  return state;
}

Result<delivery::LaneState> PgStore::try_take(const delivery::LaneId& lane,
                                              const std::string& topic, std::int64_t earliest,
                                              const delivery::Witness& witness) {
  auto open = connection();
  if (!open) return open.failure();
  auto begun = (*open)->begin();
  if (!begun) return begun.failure();
  postgres::Transaction& transaction = **begun;
  const std::string& owner = context(lane.handler).owner;
  const std::string timeout = std::to_string(settings_.take_lock_timeout.count());
  if (Status s = transaction.execute_script("set local lock_timeout = " + timeout +
                                            "; set local synchronous_commit = on");
      !s) {
    return s.failure();
  }
  auto former = transaction.execute(kFormer, Params::of(lane.handler, lane.partition));
  if (!former) return former.failure();
  auto rows =
      transaction.execute(kTake, Params::of(lane.handler, lane.partition, topic, owner, earliest));
  if (!rows) return rows.failure();
  if (rows->at(0, 13) != topic) {
    return Failure(FailureKind::position, "lane " + delivery::lane_name(lane) +
                                              " counts the offsets of topic " + rows->text(0, 13) +
                                              ", not of " + topic);
  }
  delivery::LaneState state = lane_state(*rows);
  if (!former->empty()) {
    const delivery::Suspicion found = read_suspicion(*former, 0, 4);
    const bool died = !former->boolean(0, 0) && former->at(0, 1) != owner;
    state.suspicion = delivery::after_taking(found, died);
    if (state.suspicion != found) {
      if (Status s = write_suspicion(transaction, lane, state.suspicion); !s) return s.failure();
    }
  }
  const delivery::LaneMark mark =
      former->empty() ? delivery::LaneMark{}
                      : delivery::LaneMark{former->int64(0, 2), former->int64(0, 3)};
  if (witness.call_length > 0 && witness.mark > mark) {
    auto doubt = transaction.execute(
        kDoubt, Params::of(lane.handler, lane.partition, witness.call_length, witness.log_end));
    if (!doubt) return doubt.failure();
    state.set_back = true;
    state.doubt_below = doubt->int64(0, 0);
    state.doubt_until = doubt->int64(0, 1);
  }
  if (Status s = read_waiting(transaction, lane, state); !s) return s.failure();
  if (Status s = transaction.commit(); !s) return s.failure();
  return state;
}

}  // namespace spool::store
