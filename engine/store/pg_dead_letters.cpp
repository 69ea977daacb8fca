// Events that died, come to life again, and are settled by operators.
#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/message/header_block.hpp"
#include "engine/message/identity.hpp"
#include "engine/store/pg_lane_transaction.hpp"
#include "engine/store/row_columns.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Bytes;
using postgres::Params;
using postgres::Statement;

// A first life ends by writing the letter, unless there is one already or its tombstone; a later
// one by opening the letter again that it came from. Only what is newly dead is announced. The CASE
// has the planner look the answers up in a hash table; it would join thousands by thousands.
constexpr Statement kBury{
    "lane_bury",
    "with letters as (select * from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[],"
    " $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $13::text[],"
    " $14::text[], $15::text[], $16::uuid[], $17::bytea[], $18::uuid[], $19::int[], $20::int[],"
    " $21::bigint[], $22::bigint[]) with ordinality as l (record_offset, record_timestamp_ms,"
    " source, event_id, event_type, key, value, headers, error_type, error_field, error_message,"
    " whole_message, fingerprint, outbox_id, outbox_headers, order_key, life, attempts,"
    " first_failed, open_number, nr)),"
    " ended as (select l.*, o.replay_id, " SPOOL_HISTORY(
        "coalesce(o.history, '[]')",
        SPOOL_HISTORY_ENTRY("l.life", "l.attempts", "l.error_type", "l.whole_message")) " as past"
    " from letters l left join spool.open_events o"
    " on o.handler = $1 and o.partition = $2 and o.number = l.open_number),"
    " buried as (insert into spool.dead_letters (handler, topic, partition, record_offset,"
    " record_timestamp_ms, source, event_id, event_type, key, value, headers, error_type,"
    " error_field, error_message, fingerprint, attempts, first_seen, order_key, history)"
    " select $1, $23, $2::int, record_offset, record_timestamp_ms, source, event_id, event_type,"
    " key, value, headers, error_type, error_field, error_message, fingerprint, attempts,"
    " coalesce(" SPOOL_TIME("first_failed") ", now()), order_key, past"
    " from ended e where life = 0 and not exists (select 1 from spool.dead_letter_tombstones t"
    " where t.handler = $1 and t.source = e.source and t.event_id = e.event_id)"
    " order by nr on conflict (handler, source, event_id) do nothing"
    " returning record_offset),"
    " reburied as (update spool.dead_letters d set state = 'open', settled_at = null,"
    " life = e.life, error_type = e.error_type, error_field = e.error_field,"
    " error_message = e.error_message, fingerprint = e.fingerprint, attempts = e.attempts,"
    " dead_at = now(), history = e.past"
    " from ended e where e.life > 0 and d.handler = $1 and d.source = e.source"
    " and d.event_id = e.event_id and d.state = 'replaying' and d.life = e.life - 1"
    " returning e.nr),"
    " fresh as (select * from ended where case when life = 0"
    " then record_offset in (select record_offset from buried)"
    " else nr in (select nr from reburied) end),"
    " announced as (insert into spool.outbox"
    " (id, handler, partition, topic, key, value, headers, source, event_id)"
    " select outbox_id, $1, $2::int, $24, key, value,"
    " " SPOOL_WITH_REPLAY("outbox_headers", "replay_id", "$25") ", source, event_id"
    " from fresh order by nr on conflict (id) do nothing)"
    " select nr, " SPOOL_DURABLE " from fresh"};

constexpr Statement kFind{
    "letters_find",
    "with asked as (select distinct source, event_id from unnest($3::text[], $4::text[])"
    " as a (source, event_id)),"
    " found as (select d.*, " SPOOL_LETTER_BYTES
    " as bytes from asked a join spool.dead_letters d"
    " on d.handler = $1 and d.source = a.source and d.event_id = a.event_id for update of d)"
    " select " SPOOL_LETTER_COLUMNS " from found d" SPOOL_JOIN_HELD
    " union all select uuid '00000000-0000-0000-0000-000000000000', t.source, t.event_id,"
    " uuid '00000000-0000-0000-0000-000000000000', t.life, false, 0, -1"
    " from asked a join spool.dead_letter_tombstones t"
    " on t.handler = $1 and t.source = a.source and t.event_id = a.event_id"};

// What died before the database was set back, somebody whom it has forgotten may have replayed and
// begun since.
#define SPOOL_LETTER_DOUBT(letter)                                                \
  "(select l.doubt_until from spool.lanes l where l.handler = $1 and l.partition" \
  " = $2 and " letter ".record_offset < l.doubt_below)"

// In place: the dead head takes what the letter has, for that may have been edited.
// Letters are found by their ids, whatever the planner thinks of the other conditions: before the
// table has statistics it would rather look through all that are open.
constexpr Statement kRevive{
    "letters_revive",
    "with revived as (update spool.dead_letters d set state = 'replaying', settled_at = null"
    " from unnest($3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::bool[])"
    " as r (id, number, row_state, due, in_place)"
    " where d.id = r.id and case when d.handler = $1 and d.partition = $2 and d.state = 'open'"
    " then not d.erased else false end"
    " returning d.*, r.number, r.row_state, " SPOOL_TIME("r.due") " as due_at, r.in_place,"
    " " SPOOL_LETTER_BYTES " as bytes),"
    " opened as (insert into spool.open_events (handler, partition, number, order_key, state,"
    " due_at, life, source, event_id, event_type, record_offset, record_timestamp_ms, key, value,"
    " headers, bytes, history, doubt_until, replay_id, opened_at)"
    " select handler, partition, number, order_key, row_state, due_at, life + 1, source, event_id,"
    " event_type, record_offset, record_timestamp_ms, key, value, headers, bytes, history,"
    " " SPOOL_LETTER_DOUBT("revived") ", $8::uuid, dead_at from revived where not in_place),"
    " replaced as (update spool.open_events o set state = 'head', due_at = r.due_at,"
    " life = r.life + 1, attempts = 0, first_failed_at = null, error_type = null,"
    " error_message = null, value = r.value, headers = r.headers, history = r.history,"
    " doubt_until = " SPOOL_LETTER_DOUBT("r") ", replay_id = $8::uuid, opened_at = r.dead_at"
    " from revived r where r.in_place and o.handler = $1 and o.partition = $2"
    " and o.number = any (array(select number from revived where in_place))"
    " and o.number = r.number and o.state = 'dead' returning o.number)"
    " select (select count(*) from revived), (select count(*) from replaced)"};

#undef SPOOL_LETTER_DOUBT

constexpr Statement kDiscard{
    "letters_discard",
    "update spool.dead_letters set state = 'discarded', settled_at = now() where handler = $1"
    " and partition = $2 and id = any ($3::uuid[]) and state = 'open'"};

constexpr Statement kRestore{
    "letters_restore",
    "update spool.dead_letters set state = 'open', settled_at = null where handler = $1"
    " and partition = $2 and id = any ($3::uuid[]) and state = 'discarded' and not erased"};

// One that was replayed successfully, or is being replayed, is not among the dead ones any more.
constexpr Statement kErase{
    "letters_erase",
    "update spool.dead_letters set key = null, value = null, headers = '', erased = true,"
    " state = case when state in ('open', 'discarded') then 'discarded' else 'resolved' end,"
    " settled_at = coalesce(settled_at, now()) where handler = $1"
    " and partition = $2 and id = any ($3::uuid[])"};

// The columns of letters, as kBury wants them from $3 on.
struct Letters {
  ArrayText offsets, timestamps, sources, ids, types, keys, values, headers, error_types,
      error_fields, error_messages, whole_messages, fingerprints, outbox_ids, outbox_headers,
      order_keys, lives, attempts, first_failed, open_numbers;

  void add(const delivery::DeadLetter& letter, const delivery::Sender& sender) {
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
    whole_messages.add_text(base::printable(letter.why.message(), kErrorBytesMax));
    fingerprints.add_text(delivery::fingerprint(sender.handler, letter.why));
    outbox_ids.add_uuid(delivery::dead_letter_id(letter));
    outbox_headers.add_bytea(message::pack_headers(delivery::dead_letter_headers(letter, sender)));
    order_keys.add_uuid(letter.key);
    lives.add_int64(letter.life);
    attempts.add_int64(letter.attempts);
    first_failed.add_int64(letter.first_failed_at);
    open_numbers.add_int64(letter.open_number);
  }
};

}  // namespace

Result<std::vector<bool>> PgLaneTransaction::bury(std::span<const delivery::DeadLetter> letters) {
  std::vector<bool> fresh(letters.size());
  if (letters.empty()) return fresh;
  Letters columns;
  const delivery::Sender sent_by = sender();
  for (const delivery::DeadLetter& letter : letters) {
    SPOOL_ASSERT(message::usable(letter.source) && message::usable(letter.id),
                 "a dead letter has an identity that can be stored");
    columns.add(letter, sent_by);
  }
  const std::string replay = delivery::replay_header_prefix();
  auto rows = execute(
      kBury, Params::of(columns.offsets.text(), columns.timestamps.text(), columns.sources.text(),
                        columns.ids.text(), columns.types.text(), columns.keys.text(),
                        columns.values.text(), columns.headers.text(), columns.error_types.text(),
                        columns.error_fields.text(), columns.error_messages.text(),
                        columns.whole_messages.text(), columns.fingerprints.text(),
                        columns.outbox_ids.text(), columns.outbox_headers.text(),
                        columns.order_keys.text(), columns.lives.text(), columns.attempts.text(),
                        columns.first_failed.text(), columns.open_numbers.text(), context_.topic,
                        context_.dead_letter_topic, Bytes{replay}));
  if (!rows) return rows.failure();
  durable_ |= !rows->empty();
  for (std::size_t i = 0; i < rows->size(); ++i)
    fresh[static_cast<std::size_t>(rows->int64(i, 0) - 1)] = true;
  return fresh;
}

Result<std::vector<delivery::FoundLetter>> PgLaneTransaction::find_letters(
    std::span<const delivery::ReplayRequest> requests) {
  ArrayText sources;
  ArrayText ids;
  for (const delivery::ReplayRequest& request : requests) {
    sources.add_text(request.source);
    ids.add_text(request.id);
  }
  auto rows = execute(kFind, Params::of(sources.text(), ids.text()));
  if (!rows) return rows.failure();
  std::vector<delivery::FoundLetter> found;
  found.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) found.push_back(read_letter(*rows, i));
  return found;
}

Status PgLaneTransaction::revive(std::span<const delivery::Revival> revivals) {
  ArrayText letters;
  ArrayText numbers;
  ArrayText states;
  ArrayText dues;
  ArrayText in_place;
  std::int64_t replaced = 0;
  for (const delivery::Revival& revival : revivals) {
    letters.add_uuid(revival.letter);
    numbers.add_int64(revival.number);
    states.add_text(to_string(revival.state));
    dues.add_int64(revival.due);
    in_place.add_bool(revival.in_place);
    replaced += revival.in_place ? 1 : 0;
  }
  auto rows = execute(kRevive, Params::of(letters.text(), numbers.text(), states.text(),
                                          dues.text(), in_place.text(), replay_));
  if (!rows) return rows.failure();
  // Retention may have removed a letter since it was found: the same job again finds it gone.
  if (rows->int64(0, 0) != static_cast<std::int64_t>(revivals.size()))
    return Failure(FailureKind::conflict, "a dead letter is not there any more");
  if (rows->int64(0, 1) != replaced) return disagree("a dead head has no row");
  return {};
}

Status PgLaneTransaction::settle_letters(const delivery::Command& command,
                                         std::span<const base::Uuid> letters) {
  ArrayText ids;
  for (const base::Uuid& letter : letters) ids.add_uuid(letter);
  const bool erases = command.kind == delivery::CommandKind::erase;
  const bool restores = command.kind == delivery::CommandKind::restore;
  auto rows = execute(erases ? kErase : restores ? kRestore : kDiscard, Params::of(ids.text()));
  if (!rows) return rows.failure();
  // Retention may have removed one since the page was read.
  if (static_cast<std::size_t>(rows->affected_rows()) != letters.size())
    return Failure(FailureKind::conflict, "a dead letter is not there any more");
  return {};
}

}  // namespace spool::store
