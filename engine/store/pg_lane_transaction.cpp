#include "engine/store/pg_lane_transaction.hpp"

#include <new>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/row_columns.hpp"
#include "engine/store/statement_parts.hpp"

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

constexpr Statement kFence{"lane_fence",
                           "update spool.lanes set seq = seq + 1, updated_at = now()"
                           " where handler = $1 and partition = $2 and token = $3 and seq = $4"
                           " returning (extract(epoch from now()) * 1000000)::bigint"};

#define SPOOL_MOVE_LANE(BUMP)                                                                  \
  "with moved as (update spool.lanes set " BUMP                                                \
  " next_offset = next_offset + ($6::bigint - $5::bigint),"                                    \
  " last_offset = case when $14::bigint >= 0 then $14 else last_offset end,"                   \
  " last_timestamp_ms = case when $14 >= 0 then $7 else last_timestamp_ms end,"                \
  " applied = applied + $8, duplicate = duplicate + $9, dead = dead + $10, open = open + $11," \
  " gaps = gaps + $12, lost = lost + $13, updated_at = now()"                                  \
  " where handler = $1 and partition = $2 and token = $3 and seq = $4 and next_offset = $5"    \
  " returning epoch, seq)"                                                                     \
  " insert into spool.lane_batches (handler, partition, epoch, seq, from_offset, to_offset,"   \
  " applied, duplicate, dead, open, gaps, lost)"                                               \
  " select $1, $2, epoch, seq, $5, $6, $8, $9, $10, $11, $12, $13 from moved"                  \
  " returning (extract(epoch from at) * 1000000)::bigint"

constexpr Statement kFenceAndAdvance{"lane_fence_advance", SPOOL_MOVE_LANE("seq = seq + 1,")};
constexpr Statement kAdvance{"lane_advance", SPOOL_MOVE_LANE("")};

#undef SPOOL_MOVE_LANE

// What may have been running in the log that is gone is nobody's suspicion in the next one.
constexpr Statement kRestart{
    "lane_restart",
    "with moved as (update spool.lanes set start_offset = start_offset + ($4::bigint - $3::bigint),"
    " next_offset = $4, last_offset = -1, last_timestamp_ms = -1, log_together = 0, log_until = 0,"
    " trial_origin = nullif(trial_origin, 'log'),"
    " ends = case when accused_origin = 'log' then 0 else ends end,"
    " accused_origin = nullif(accused_origin, 'log'), updated_at = now()"
    " where handler = $1 and partition = $2 and next_offset = $3 returning epoch, seq)"
    " insert into spool.lane_batches (handler, partition, epoch, seq, from_offset, to_offset,"
    " applied, duplicate, dead, open, gaps, lost)"
    " select $1, $2, epoch, seq, $3, $4, 0, 0, 0, 0, 0, 0 from moved"};

constexpr Statement kAllow{"allow", "select set_config('statement_timeout', $1, true)"};
constexpr Statement kDurable{"durable", "select set_config('synchronous_commit', 'on', true)"};

constexpr Statement kPublished{"outbox_published",
                               "delete from spool.outbox where handler = $1 and partition = $2"
                               " and number = any ($3::bigint[])"};

constexpr Statement kRefused{"outbox_refused",
                             "update spool.outbox o set error = r.error"
                             " from unnest($3::bigint[], $4::text[]) as r (number, error)"
                             " where o.number = r.number and o.handler = $1 and o.partition = $2"};

constexpr Statement kTell{
    "lane_tell",
    "with told as (insert into spool.outbox"
    " (id, handler, partition, topic, key, value, headers, source, event_id)"
    " select t.id, $1, $2::int, $3::text, t.key, t.value, t.headers, t.source, t.event_id"
    " from unnest($4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[], $8::text[], $9::text[])"
    " with ordinality as t (id, key, value, headers, source, event_id, nr) order by t.nr"
    " on conflict (id) do nothing returning 1)"
    " select " SPOOL_DURABLE " from told limit 1"};

constexpr Statement kMoveCompanions{
    "lane_move_companions",
    "insert into spool.lane_companions as c (handler, partition, topic, next_offset)"
    " select $1, $2::int, topic, next_offset from unnest($3::text[], $4::bigint[])"
    " as n (topic, next_offset)"
    " on conflict (handler, partition, topic) do update set next_offset = excluded.next_offset"};

constexpr Statement kLetGo{
    "lane_let_go", "update spool.lanes set clean = true where handler = $1 and partition = $2"};

}  // namespace

Failure fenced(const delivery::LaneId& lane) {
  return {FailureKind::fenced,
          "lane " + delivery::lane_name(lane) + " has another owner, or the database went back"};
}

PgLaneTransaction::PgLaneTransaction(std::unique_ptr<postgres::Transaction> transaction,
                                     delivery::LaneId lane, const LaneContext& context)
    : transaction_(std::move(transaction)), lane_(std::move(lane)), context_(context) {}

// The engine's own statement about the lane's row: no event is to blame if its values are refused.
Status PgLaneTransaction::step(const Statement& statement, Params params) {
  auto rows = transaction_->execute(statement, std::move(params));
  if (!rows) {
    if (rows.failure().kind != FailureKind::bad_data) return rows.failure();
    return Failure(FailureKind::schema, "the lane's row refuses its step: " + rows.failure().text,
                   rows.failure().sqlstate);
  }
  if (rows->empty()) return fenced(lane_);
  now_ = rows->int64(0, 0);
  return {};
}

Status PgLaneTransaction::move(const delivery::Claim& claim, const Statement& statement,
                               const delivery::Advance& advance) {
  const delivery::Counters& delta = advance.delta;
  return step(statement,
              Params::of(lane_.handler, lane_.partition, claim.token, claim.seq, advance.from,
                         advance.to, advance.last_timestamp_ms, delta.applied, delta.duplicate,
                         delta.dead, delta.open, delta.gaps, delta.lost, advance.last_offset));
}

Status PgLaneTransaction::fence(const delivery::Claim& claim, const delivery::Advance* advance) {
  SPOOL_ASSERT(!owned_, "a transaction is fenced once");
  Status status =
      advance != nullptr
          ? move(claim, kFenceAndAdvance, *advance)
          : step(kFence, Params::of(lane_.handler, lane_.partition, claim.token, claim.seq));
  if (status) owned_ = delivery::Claim{claim.token, claim.seq + 1};
  return status;
}

Status PgLaneTransaction::advance(const delivery::Advance& advance) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  return move(*owned_, kAdvance, advance);
}

Status PgLaneTransaction::restart(std::int64_t from, std::int64_t to) {
  return change(kRestart, Params::of(from, to), 1, "a position that is not the lane's");
}

Result<handler::ApplyCounts> PgLaneTransaction::apply(handler::Batch& batch, std::size_t first,
                                                      std::size_t last) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  try {
    auto counts = batch.apply(*transaction_, first, last);
    // A handler that overlooked a failed statement has applied nothing.
    if (counts && transaction_->failed()) return *transaction_->failed();
    return counts;
  } catch (const std::bad_alloc&) {
    return Failure(FailureKind::slow, "out of memory in the handler");
  } catch (const std::exception& error) {
    return Failure(FailureKind::bad_data,
                   "handler threw: " + base::printable(error.what(), kErrorBytesMax),
                   delivery::kHandlerThrew);
  } catch (...) {
    return Failure(FailureKind::bad_data, "handler threw something that is no std::exception",
                   delivery::kHandlerThrew);
  }
}

Status PgLaneTransaction::savepoint() {
  return transaction_->savepoint();
}

Status PgLaneTransaction::rollback_to_savepoint() {
  durable_ = false;  // the setting may have been made behind the savepoint
  if (Status back = transaction_->rollback_to_savepoint(); !back) return back;
  return transaction_->release_savepoint();  // PostgreSQL keeps it, the port ends it
}

Status PgLaneTransaction::release_savepoint() {
  return transaction_->release_savepoint();
}

Result<Rows> PgLaneTransaction::execute(const Statement& statement, Params params) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  Params all = Params::of(lane_.handler, lane_.partition);
  for (auto& value : params.values()) all.values().push_back(std::move(value));
  return transaction_->execute(statement, std::move(all));
}

Status PgLaneTransaction::execute_sending(const Statement& statement, Params params) {
  auto rows = execute(statement, std::move(params));
  if (!rows) return rows.failure();
  durable_ |= !rows->empty();
  return {};
}

Status PgLaneTransaction::change(const Statement& statement, Params params, std::size_t expected,
                                 const char* what) {
  auto rows = execute(statement, std::move(params));
  if (!rows) return rows.failure();
  if (static_cast<std::size_t>(rows->affected_rows()) != expected) return disagree(what);
  return {};
}

delivery::Sender PgLaneTransaction::sender() const {
  return {.handler = lane_.handler,
          .topic = context_.topic,
          .partition = lane_.partition,
          .group = context_.group,
          .release = context_.release,
          .now = now_};
}

Status PgLaneTransaction::tell(std::span<const delivery::Telling> tellings) {
  if (context_.events_topic.empty()) return {};
  ArrayText ids;
  ArrayText keys;
  ArrayText values;
  ArrayText headers;
  ArrayText sources;
  ArrayText event_ids;
  for (const delivery::Telling& telling : tellings) {
    ids.add_uuid(delivery::telling_id(telling, lane_.handler));
    add_bytes(keys, telling.cause.key);
    values.add_bytea(telling.data);
    headers.add_bytea(
        message::pack_headers(delivery::telling_headers(telling, lane_.handler, now_)));
    sources.add_text(telling.cause.identity.source);
    event_ids.add_text(telling.cause.identity.id);
  }
  return execute_sending(kTell,
                         Params::of(context_.events_topic, ids.text(), keys.text(), values.text(),
                                    headers.text(), sources.text(), event_ids.text()));
}

Status PgLaneTransaction::allow(std::chrono::milliseconds limit) {
  auto rows = transaction_->execute(kAllow, Params::of(std::to_string(limit.count())));
  return rows ? Status() : Status(rows.failure());
}

Status PgLaneTransaction::suspect(const delivery::Suspicion& suspicion) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  return write_suspicion(*transaction_, lane_, suspicion);
}

Status PgLaneTransaction::move_companions(const std::map<std::string, std::int64_t>& next) {
  if (next.empty()) return {};
  ArrayText topics;
  ArrayText offsets;
  for (const auto& [topic, offset] : next) {
    topics.add_text(topic);
    offsets.add_int64(offset);
  }
  auto rows = execute(kMoveCompanions, Params::of(topics.text(), offsets.text()));
  if (!rows) return rows.failure();
  return {};
}

Status PgLaneTransaction::let_go() {
  auto rows = execute(kLetGo);
  if (!rows) return rows.failure();
  return {};
}

Status PgLaneTransaction::settle_outbox(std::span<const std::int64_t> published,
                                        std::span<const delivery::RefusedRow> refused) {
  ArrayText numbers;
  if (!published.empty()) {
    for (const std::int64_t number : published) numbers.add_int64(number);
    auto rows = execute(kPublished, Params::of(numbers.text()));
    if (!rows) return rows.failure();
  }
  if (!refused.empty()) {
    numbers.reset();
    ArrayText errors;
    for (const delivery::RefusedRow& row : refused) {
      numbers.add_int64(row.number);
      errors.add_text(base::printable(row.error, kErrorBytesMax));
    }
    auto rows = execute(kRefused, Params::of(numbers.text(), errors.text()));
    if (!rows) return rows.failure();
  }
  return {};
}

Status PgLaneTransaction::commit(delivery::Durability durability) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  if (durability == delivery::Durability::durable && !durable_) {
    auto rows = transaction_->execute(kDurable);
    if (!rows) return rows.failure();
  }
  return transaction_->commit();
}

}  // namespace spool::store
