#include "engine/store/pg_store.hpp"

#include "engine/base/text.hpp"
#include "engine/message/header_block.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/pg_lane_transaction.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::size_t kDetailBytesMax = 1000;

constexpr Statement kTake{
    "lane_take",
    "insert into spool.lanes as l"
    " (handler, partition, topic, epoch, token, seq, owner, start_offset, next_offset)"
    " values ($1, $2, $3, 1, gen_random_uuid(), 1, $4, $5, $5)"
    " on conflict (handler, partition) do update set"
    " epoch = l.epoch + 1, token = excluded.token, seq = l.seq + 1, owner = excluded.owner,"
    " state = 'running', reason = null, detail = null,"
    " taken_at = clock_timestamp(), updated_at = clock_timestamp()"
    " returning epoch, token, seq, start_offset, next_offset, last_offset,"
    " last_timestamp_ms, applied, duplicate, dead, open, gaps, lost, topic"};

// The first worker that ever served the handler wrote down how many partitions there were.
constexpr Statement kAdmit{
    "lane_admit",
    "with first as (insert into spool.handler_topics (handler, topic, partitions, cluster_id)"
    " values ($1, $2, $3, $4) on conflict (handler) do nothing returning partitions, cluster_id)"
    " select partitions, cluster_id from first union all"
    " select partitions, cluster_id from spool.handler_topics where handler = $1"};

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

// A statement of its own: the one that takes the lane may have waited for the last commit of the
// owner before, and would not see what that one wrote.
constexpr Statement kOutboxPending{"outbox_pending",
                                   "select exists (select 1 from spool.outbox"
                                   " where handler = $1 and partition = $2 and error is null)"};

constexpr Statement kClaims{
    "lane_claims",
    "select handler, partition, token, seq from spool.lanes"
    " where (handler, partition) in (select * from unnest($1::text[], $2::int[]))"};

constexpr Statement kOutbox{
    "outbox_read",
    "select number, topic, key, value, headers from spool.outbox"
    " where handler = $1 and partition = $2 and error is null order by number limit $3"};

constexpr Statement kStop{"lane_stop",
                          "update spool.lanes set seq = seq + 1, state = 'stopped', reason = $5,"
                          " detail = $6,"
                          " updated_at = clock_timestamp()"
                          " where handler = $1 and partition = $2 and token = $3 and seq = $4"};

constexpr Statement kOpenDeadLetters{"open_dead_letters",
                                     "select error_type, count(*) from spool.dead_letters"
                                     " where handler = $1 and state = 'open' group by error_type"};

constexpr Statement kOutboxWaiting{"outbox_waiting",
                                   "select count(*) from spool.outbox where error is null"};

constexpr Statement kTime{"database_time",
                          "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"};

constexpr Statement kPrune{"lane_batches_prune",
                           "delete from spool.lane_batches where ctid = any (array("
                           "select ctid from spool.lane_batches where at < now() - $1::int * "
                           "interval '1 hour' limit $2 for update skip locked))"};

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
  return state;
}

}  // namespace

PgStore::PgStore(PgStoreSettings settings, const std::vector<LaneContext>& contexts)
    : settings_(std::move(settings)) {
  for (const LaneContext& context : contexts) contexts_.emplace(context.handler, context);
}

PgStore::~PgStore() = default;

Result<postgres::Connection*> PgStore::connection() {
  if (!connection_ || !connection_->usable()) {
    {
      const std::lock_guard lock(connection_mutex_);
      connection_.reset();
      if (closed_) return Failure(FailureKind::stopped, "the store is closed");
    }
    auto opened = postgres::Connection::open(settings_.connection);
    if (!opened) return opened.failure();
    const std::lock_guard lock(connection_mutex_);
    if (closed_) return Failure(FailureKind::stopped, "the store is closed");
    connection_ = std::move(opened).value();
  }
  return connection_.get();
}

const LaneContext& PgStore::context(const std::string& handler) const {
  const auto found = contexts_.find(handler);
  SPOOL_ASSERT(found != contexts_.end(), "the store was not told of this handler");
  return found->second;
}

Status PgStore::admit(const delivery::LaneId& lane, const std::string& topic,
                      const delivery::LogBounds& bounds) {
  auto open = connection();
  if (!open) return open.failure();
  auto rows =
      (*open)->execute(kAdmit, Params::of(lane.handler, topic, bounds.partitions, bounds.cluster));
  if (!rows) return rows.failure();
  // Another worker is writing it down at this moment; it will be there when we ask again.
  if (rows->empty()) return Failure(FailureKind::unavailable, "the handler is being registered");
  if (rows->text(0, 1) != bounds.cluster) {
    return Failure(FailureKind::position, "the lanes of " + lane.handler +
                                              " count the offsets of Kafka cluster " +
                                              rows->text(0, 1) + ", this is " + bounds.cluster);
  }
  const std::int32_t known = rows->int32(0, 0);
  if (lane.partition < known) return {};
  return Failure(
      FailureKind::schema,
      "topic " + topic + " has grown from " + std::to_string(known) + " partitions to " +
          std::to_string(bounds.partitions) + ": partition " + std::to_string(lane.partition) +
          " is not read, for its keys have events in other lanes; publish to the first " +
          std::to_string(known) + " partitions, or begin with a new topic");
}

Result<delivery::LaneState> PgStore::take(const delivery::LaneId& lane, const std::string& topic,
                                          std::int64_t earliest) {
  auto state = try_take(lane, topic, earliest);
  if (state || state.failure().kind != FailureKind::slow) return state;
  auto open = connection();
  if (!open) return state;
  // The group gave the lane to us: what its former owner has under way is fenced, or will be
  // delivered to us again. The next try finds the row free.
  const auto silent_for = settings_.connection.idle_in_transaction_timeout.count();
  auto ended = (*open)->execute(kEndHolder, Params::of(lane.handler, lane.partition, silent_for));
  if (!ended) return ended.failure();
  return state;
}

Result<delivery::LaneState> PgStore::try_take(const delivery::LaneId& lane,
                                              const std::string& topic, std::int64_t earliest) {
  auto open = connection();
  if (!open) return open.failure();
  auto begun = (*open)->begin();
  if (!begun) return begun.failure();
  postgres::Transaction& transaction = **begun;
  const std::string timeout = std::to_string(settings_.take_lock_timeout.count());
  if (Status s = transaction.execute_script("set local lock_timeout = " + timeout +
                                            "; set local synchronous_commit = on");
      !s) {
    return s.failure();
  }
  auto rows = transaction.execute(kTake, Params::of(lane.handler, lane.partition, topic,
                                                    context(lane.handler).owner, earliest));
  if (!rows) return rows.failure();
  if (rows->at(0, 13) != topic) {
    return Failure(FailureKind::position,
                   "lane " + lane.handler + "/" + std::to_string(lane.partition) +
                       " counts the offsets of topic " + rows->text(0, 13) + ", not of " + topic);
  }
  auto pending = transaction.execute(kOutboxPending, Params::of(lane.handler, lane.partition));
  if (!pending) return pending.failure();
  if (Status s = transaction.commit(); !s) return s.failure();
  delivery::LaneState state = lane_state(*rows);
  state.outbox_pending = pending->boolean(0, 0);
  return state;
}

Result<std::unique_ptr<delivery::LaneTransaction>> PgStore::begin(const delivery::LaneId& lane) {
  auto open = connection();
  if (!open) return open.failure();
  auto begun = (*open)->begin();
  if (!begun) return begun.failure();
  return std::unique_ptr<delivery::LaneTransaction>(
      std::make_unique<PgLaneTransaction>(std::move(begun).value(), lane, context(lane.handler)));
}

Result<std::vector<delivery::ClaimSeen>> PgStore::claims(std::span<const delivery::LaneId> lanes) {
  auto open = connection();
  if (!open) return open.failure();
  ArrayText handlers;
  ArrayText partitions;
  for (const delivery::LaneId& lane : lanes) {
    handlers.add_text(lane.handler);
    partitions.add_int64(lane.partition);
  }
  auto rows = (*open)->execute(kClaims, Params::of(handlers.text(), partitions.text()));
  if (!rows) return rows.failure();
  std::vector<delivery::ClaimSeen> seen;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    seen.push_back({{rows->text(i, 0), rows->int32(i, 1)}, {rows->uuid(i, 2), rows->int64(i, 3)}});
  }
  return seen;
}

Result<std::vector<delivery::OutboxRow>> PgStore::outbox(const delivery::LaneId& lane,
                                                         std::size_t rows_max) {
  auto open = connection();
  if (!open) return open.failure();
  auto rows = (*open)->execute(kOutbox, Params::of(lane.handler, lane.partition, rows_max));
  if (!rows) return rows.failure();
  std::vector<delivery::OutboxRow> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto headers = message::unpack_headers(rows->bytes(i, 4).value_or(std::string{}));
    if (!headers) {
      return Failure(FailureKind::schema,
                     "outbox row " + rows->text(i, 0) + ": " + headers.failure().text);
    }
    all.push_back({rows->int64(i, 0), rows->text(i, 1), rows->bytes(i, 2), rows->bytes(i, 3),
                   std::move(*headers)});
  }
  return all;
}

Status PgStore::mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                             const std::string& reason, const std::string& detail) {
  auto open = connection();
  if (!open) return open.failure();
  auto rows =
      (*open)->execute(kStop, Params::of(lane.handler, lane.partition, claim.token, claim.seq,
                                         reason, base::printable(detail, kDetailBytesMax)));
  if (!rows) return rows.failure();
  if (rows->affected_rows() == 0) return fenced(lane);
  return {};
}

Result<std::vector<OpenDeadLetters>> PgStore::open_dead_letters(const std::string& handler) {
  auto open = connection();
  if (!open) return open.failure();
  auto rows = (*open)->execute(kOpenDeadLetters, Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<OpenDeadLetters> counts;
  for (std::size_t r = 0; r < rows->size(); ++r)
    counts.push_back({rows->text(r, 0), rows->int64(r, 1)});
  return counts;
}

Result<std::int64_t> PgStore::outbox_waiting() {
  auto open = connection();
  if (!open) return open.failure();
  auto rows = (*open)->execute(kOutboxWaiting);
  if (!rows) return rows.failure();
  return rows->int64(0, 0);
}

void PgStore::interrupt(std::chrono::milliseconds limit) {
  const std::lock_guard lock(connection_mutex_);
  if (connection_) connection_->interrupt(limit);
}

void PgStore::close() {
  const std::lock_guard lock(connection_mutex_);
  closed_ = true;
  if (connection_) connection_->sever();
}

Result<base::EpochMicros> PgStore::database_time() {
  auto open = connection();
  if (!open) return open.failure();
  auto rows = (*open)->execute(kTime);
  if (!rows) return rows.failure();
  return rows->int64(0, 0);
}

Result<std::int64_t> PgStore::prune(std::int64_t rows_max) {
  auto open = connection();
  if (!open) return open.failure();
  auto rows = (*open)->execute(kPrune, Params::of(settings_.batches_kept.count(), rows_max));
  if (!rows) return rows.failure();
  return rows->affected_rows();
}

}  // namespace spool::store
