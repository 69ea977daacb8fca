#include "engine/store/pg_lane_transaction.hpp"

#include <new>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/dead_letter.hpp"
#include "engine/message/header_block.hpp"
#include "engine/message/identity.hpp"
#include "engine/postgres/array_text.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr std::size_t kErrorBytesMax = 1000;

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

// Only what is newly dead is announced; a transaction that writes to the outbox is durable.
constexpr Statement kBury{
    "lane_bury",
    "with letters as (select * from unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[],"
    " $8::text[], $9::bytea[], $10::bytea[], $11::bytea[], $12::text[], $13::text[], $14::text[],"
    " $15::text[], $16::uuid[], $17::bytea[]) with ordinality as l (record_offset,"
    " record_timestamp_ms, source, event_id, event_type, key, value, headers, error_type,"
    " error_field, error_message, fingerprint, outbox_id, outbox_headers, nr)),"
    " buried as (insert into spool.dead_letters (handler, topic, partition, record_offset,"
    " record_timestamp_ms, source, event_id, event_type, key, value, headers, error_type,"
    " error_field, error_message, fingerprint, attempts, first_seen)"
    " select $1, $18, $2::int, record_offset, record_timestamp_ms, source, event_id, event_type,"
    " key, value, headers, error_type, error_field, error_message, fingerprint, 1, now()"
    " from letters order by nr on conflict (handler, source, event_id) do nothing"
    " returning record_offset),"
    " announced as (insert into spool.outbox (id, handler, partition, topic, key, value, headers)"
    " select outbox_id, $1, $2::int, $3, key, value, outbox_headers"
    " from letters join buried using (record_offset) order by nr on conflict (id) do nothing)"
    " select count(*), set_config('synchronous_commit', 'on', true) from buried"};

constexpr Statement kDurable{"durable", "select set_config('synchronous_commit', 'on', true)"};

constexpr Statement kPublished{"outbox_published",
                               "delete from spool.outbox where handler = $1 and partition = $2"
                               " and number = any ($3::bigint[])"};

constexpr Statement kRefused{"outbox_refused",
                             "update spool.outbox o set error = r.error"
                             " from unnest($3::bigint[], $4::text[]) as r (number, error)"
                             " where o.number = r.number and o.handler = $1 and o.partition = $2"};

void add_bytes(ArrayText& array, const std::optional<std::string_view>& bytes) {
  if (bytes) {
    array.add_bytea(*bytes);
  } else {
    array.add_null();
  }
}

// The columns of letters, as kBury wants them from $4 on.
struct Letters {
  ArrayText offsets, timestamps, sources, ids, types, keys, values, headers, error_types,
      error_fields, error_messages, fingerprints, outbox_ids, outbox_headers;

  void add(const delivery::DeadLetter& letter, const delivery::DeadLetterContext& context) {
    offsets.add_int64(letter.record.offset);
    timestamps.add_int64(letter.record.timestamp_ms);
    sources.add_text(letter.source);
    ids.add_text(letter.id);
    types.add_text(base::printable(letter.type, kErrorBytesMax));
    add_bytes(keys, letter.record.key);
    add_bytes(values, letter.record.value);
    headers.add_bytea(message::pack_headers(letter.record.headers));
    error_types.add_text(message::to_string(letter.why.type));
    error_fields.add_text(base::printable(letter.why.field, kErrorBytesMax));
    error_messages.add_text(base::printable(letter.why.text, kErrorBytesMax));
    fingerprints.add_text(delivery::fingerprint(context.handler, letter.why));
    outbox_ids.add_uuid(delivery::dead_letter_id(letter, context.life));
    outbox_headers.add_bytea(message::pack_headers(delivery::dead_letter_headers(letter, context)));
  }
};

}  // namespace

Failure fenced(const delivery::LaneId& lane) {
  return {FailureKind::fenced, "lane " + lane.handler + "/" + std::to_string(lane.partition) +
                                   " has another owner, or the database went back"};
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

Result<std::int64_t> PgLaneTransaction::bury(std::span<const delivery::DeadLetter> letters) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  if (letters.empty()) return std::int64_t{0};
  Letters columns;
  delivery::DeadLetterContext context{.handler = lane_.handler,
                                      .topic = context_.topic,
                                      .partition = lane_.partition,
                                      .group = context_.group,
                                      .release = context_.release,
                                      .attempt = 1,
                                      .life = 0,
                                      .first_seen = now_};
  for (const delivery::DeadLetter& letter : letters) {
    SPOOL_ASSERT(message::usable(letter.source) && message::usable(letter.id),
                 "a dead letter has an identity that can be stored");
    columns.add(letter, context);
  }
  auto rows = transaction_->execute(
      kBury,
      Params::of(lane_.handler, lane_.partition, context_.dead_letter_topic, columns.offsets.text(),
                 columns.timestamps.text(), columns.sources.text(), columns.ids.text(),
                 columns.types.text(), columns.keys.text(), columns.values.text(),
                 columns.headers.text(), columns.error_types.text(), columns.error_fields.text(),
                 columns.error_messages.text(), columns.fingerprints.text(),
                 columns.outbox_ids.text(), columns.outbox_headers.text(), context_.topic));
  if (!rows) return rows.failure();
  durable_ = true;
  return rows->int64(0, 0);
}

Status PgLaneTransaction::settle_outbox(std::span<const std::int64_t> published,
                                        std::span<const delivery::RefusedRow> refused) {
  SPOOL_ASSERT(owned_.has_value(), "the fence is the first statement of a transaction");
  ArrayText numbers;
  if (!published.empty()) {
    for (const std::int64_t number : published) numbers.add_int64(number);
    auto rows = transaction_->execute(kPublished,
                                      Params::of(lane_.handler, lane_.partition, numbers.text()));
    if (!rows) return rows.failure();
  }
  if (!refused.empty()) {
    numbers.reset();
    ArrayText errors;
    for (const delivery::RefusedRow& row : refused) {
      numbers.add_int64(row.number);
      errors.add_text(base::printable(row.error, kErrorBytesMax));
    }
    auto rows = transaction_->execute(
        kRefused, Params::of(lane_.handler, lane_.partition, numbers.text(), errors.text()));
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
