// Events that wait: how they are written, change and end, and how they are read again.
#include <algorithm>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/message/header_block.hpp"
#include "engine/message/identity.hpp"
#include "engine/store/pg_lane_transaction.hpp"
#include "engine/store/row_columns.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Bytes;
using postgres::Params;
using postgres::Statement;

// Rows that failed announce their retry.
constexpr Statement kOpen{
    "lane_open",
    "with events as (select * from unnest($3::bigint[], $4::uuid[], $5::text[], $6::bigint[],"
    " $7::int[], $8::int[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[],"
    " $14::bigint[], $15::bytea[], $16::bytea[], $17::bytea[], $18::bigint[], $19::text[],"
    " $20::text[], $21::uuid[], $22::text[], $23::bytea[], $24::bigint[], $25::smallint[]) with ordinality as e (number,"
    " order_key, state, due, life, attempts, first_failed, source, event_id, event_type,"
    " record_offset, record_timestamp_ms, key, value, headers, bytes, error_type, error_message,"
    " outbox_id, outbox_topic, outbox_headers, doubt_until, priority, nr)),"
    " opened as (insert into spool.open_events (handler, partition, number, order_key, state,"
    " due_at, life, attempts, first_failed_at, source, event_id, event_type, record_offset,"
    " record_timestamp_ms, key, value, headers, bytes, error_type, error_message, doubt_until,"
    " priority, history) select $1, $2::int, number, order_key, state, " SPOOL_TIME("due") ","
    " life, attempts, " SPOOL_TIME("first_failed") ", source, event_id, event_type, record_offset,"
    " record_timestamp_ms, key, value, headers, bytes, error_type, error_message,"
    " " SPOOL_TIME("doubt_until") ", priority,"
    " case when error_type is null then jsonb '[]' else jsonb_build_array(" SPOOL_HISTORY_ENTRY(
        "life", "attempts", "error_type", "error_message") ") end"
    " from events),"
    " announced as (insert into spool.outbox"
    " (id, handler, partition, topic, key, value, headers, source, event_id)"
    " select outbox_id, $1, $2::int, outbox_topic, key, value, outbox_headers, source, event_id"
    " from events where outbox_id is not null order by nr on conflict (id) do nothing)"
    " select " SPOOL_DURABLE " from events where outbox_id is not null limit 1"};

constexpr Statement kReschedule{
    "lane_reschedule",
    "with heads as (select * from unnest($3::bigint[], $4::bigint[], $5::int[], $6::bigint[],"
    " $7::text[], $8::text[], $9::uuid[], $10::text[], $11::bytea[], $13::bigint[])"
    " with ordinality as h (number, due, attempts, first_failed, error_type, error_message,"
    " outbox_id, outbox_topic, outbox_headers, doubt_until, nr)),"
    " changed as (update spool.open_events o set state = 'head', due_at = " SPOOL_TIME("h.due") ","
    " attempts = h.attempts, first_failed_at = " SPOOL_TIME("h.first_failed") ","
    " doubt_until = " SPOOL_TIME("h.doubt_until") ","
    " error_type = h.error_type, error_message = h.error_message,"
    " history = " SPOOL_HISTORY("o.history", SPOOL_HISTORY_ENTRY("o.life", "h.attempts",
                                                                 "h.error_type",
                                                                 "h.error_message")) ""
    " from heads h where o.handler = $1 and o.partition = $2 and o.number = h.number"
    " returning h.nr, h.outbox_id, h.outbox_topic, h.outbox_headers, o.key, o.value, o.source,"
    " o.event_id, o.replay_id),"
    " announced as (insert into spool.outbox"
    " (id, handler, partition, topic, key, value, headers, source, event_id)"
    " select outbox_id, $1, $2::int, outbox_topic, key, value,"
    " " SPOOL_WITH_REPLAY("outbox_headers", "replay_id", "$12") ", source, event_id"
    " from changed order by nr on conflict (id) do nothing)"
    " select count(*), " SPOOL_DURABLE " from changed"};

// Letters are looked up one by one: before their table has statistics a join would read all of it.
constexpr Statement kClose{
    "lane_close",
    "with gone as (delete from spool.open_events where handler = $1 and partition = $2"
    " and number = any ($3::bigint[]) returning life, source, event_id),"
    " letters as (select f.id from gone g cross join lateral (select d.id"
    " from spool.dead_letters d where d.handler = $1 and d.source = g.source"
    " and d.event_id = g.event_id and d.state = 'replaying' and d.life = g.life - 1 offset 0) f"
    " where g.life > 0),"
    " resolved as (update spool.dead_letters set state = 'resolved', settled_at = now()"
    " where id = any (array(select id from letters)))"
    " select count(*) from gone"};

constexpr Statement kBlock{
    "lane_block",
    "update spool.open_events set state = 'dead', due_at = null"
    " where handler = $1 and partition = $2 and number = any ($3::bigint[])"};

constexpr Statement kHasten{"lane_hasten",
                            "update spool.open_events set due_at = " SPOOL_TIME("$4::bigint")
                            " where handler = $1 and partition = $2 and number = any ($3::bigint[])"
                            " and state in ('head', 'scheduled')"};

constexpr Statement kPrioritize{
    "lane_prioritize",
    "update spool.open_events set priority = $4"
    " where handler = $1 and partition = $2 and number = any ($3::bigint[])"};

constexpr Statement kPromote{
    "lane_promote",
    "with firsts as (select k.nr, f.number, f.priority"
    " from unnest($3::uuid[]) with ordinality as k (order_key, nr)"
    " cross join lateral (select o.number, o.priority from spool.open_events o where o.handler = $1"
    " and o.partition = $2 and o.order_key = k.order_key and o.state = 'parked'"
    " order by o.number limit 1) f),"
    " promoted as (update spool.open_events o set state = 'head',"
    " due_at = " SPOOL_TIME("$4::bigint") " from firsts f"
    " where o.handler = $1 and o.partition = $2 and o.number = f.number)"
    " select number, priority from firsts order by nr"};

// Shared out evenly: the first of each key, then the second of each, up to the bounds. What is left
// out of a key is its end.
constexpr Statement kRead{
    "lane_read_open",
    "with picked as (select k.nr, o.*, row_number() over (partition by k.nr order by o.number) as "
    "rank"
    " from unnest($3::uuid[], $4::bigint[]) with ordinality as k (order_key, head, nr)"
    " cross join lateral (select * from spool.open_events o where o.handler = $1"
    " and o.partition = $2 and o.order_key = k.order_key and o.number >= k.head"
    " and o.state in ('head', 'parked') order by o.number"
    " limit greatest(1, $5::bigint / cardinality($3::uuid[]))) o),"
    " measured as (select p.*, row_number() over shared as place, sum(p.bytes) over shared as sum"
    " from picked p window shared as (order by p.rank, p.nr rows unbounded preceding))"
    " select " SPOOL_OPEN_COLUMNS ", " SPOOL_RECORD_COLUMNS
    " from measured o"
    " where o.place = 1 or (o.place <= $5 and o.sum <= $6::bigint) order by o.nr, o.number"};

constexpr Statement kReadScheduled{
    "lane_read_scheduled",
    "select " SPOOL_OPEN_COLUMNS
    " from spool.open_events o where o.handler = $1 and o.partition = $2 and o.state = 'scheduled'"
    " and o.due_at <= " SPOOL_TIME("$3::bigint") " order by o.due_at, o.number limit $4"};

constexpr Statement kNextScheduled{
    "lane_next_scheduled",
    "select min(due_at) is null, " SPOOL_MICROS("min(due_at)")
    " from spool.open_events where handler = $1 and partition = $2 and state = 'scheduled'"};

constexpr Statement kAwaken{
    "lane_awaken",
    "update spool.open_events o set number = a.new_number, state = a.state,"
    " order_key = a.order_key, priority = a.priority, called = true from unnest($3::bigint[],"
    " $4::bigint[], $5::text[], $6::uuid[], $7::smallint[])"
    " as a (number, new_number, state, order_key, priority)"
    " where o.handler = $1 and o.partition = $2 and o.number = a.number and o.state = 'scheduled'"};

constexpr Statement kPostpone{
    "lane_postpone",
    "update spool.open_events o set number = p.new_number, state = 'scheduled',"
    " due_at = " SPOOL_TIME("p.due") ", order_key = p.order_key, called = false"
    " from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[])"
    " as p (number, new_number, due, order_key)"
    " where o.handler = $1 and o.partition = $2 and o.number = p.number and o.state <> 'dead'"};

ArrayText numbers_of(std::span<const std::int64_t> numbers) {
  ArrayText array;
  for (const std::int64_t number : numbers) array.add_int64(number);
  return array;
}

// The columns of retry records, one of each event, empty where it has none.
struct RetryRecords {
  ArrayText error_types, error_messages, ids, topics, headers;

  void add(const message::Record& record, std::string_view source, std::string_view id,
           const delivery::OpenRow& row, const delivery::FailedOnce& failed,
           const std::vector<std::string>& retry_topics, const delivery::Sender& sender) {
    SPOOL_ASSERT(failed.rung < retry_topics.size(), "a rung without a topic");
    error_types.add_text(message::to_string(failed.why.type));
    error_messages.add_text(base::printable(failed.why.message(), kErrorBytesMax));
    ids.add_uuid(delivery::retry_id(source, id, row));
    topics.add_text(retry_topics[failed.rung]);
    headers.add_bytea(
        message::pack_headers(delivery::retry_headers(record, row, failed.why, sender)));
  }
  void add_none() {
    for (ArrayText* column : {&error_types, &error_messages, &ids, &topics, &headers})
      column->add_null();
  }
};

// The columns of rows to be written, as kOpen wants them: $3 to $18, $24 and $25.
struct NewRows {
  ArrayText numbers, keys, states, dues, lives, attempts, first_failed, sources, ids, types,
      offsets, timestamps, record_keys, values, headers, bytes, doubts, priorities;

  void add(const delivery::OpenEvent& event) {
    numbers.add_int64(event.row.number);
    keys.add_uuid(event.row.key);
    states.add_text(to_string(event.row.state));
    dues.add_int64(event.row.due);
    lives.add_int64(event.row.life);
    attempts.add_int64(event.row.attempts);
    first_failed.add_int64(event.row.first_failed_at);
    sources.add_text(event.source);
    ids.add_text(event.id);
    types.add_text(base::printable(event.type, kErrorBytesMax));
    offsets.add_int64(event.record.offset);
    timestamps.add_int64(event.record.timestamp_ms);
    add_bytes(record_keys, event.record.key);
    add_bytes(values, event.record.value);
    headers.add_bytea(message::pack_headers(event.record.headers));
    bytes.add_int64(event.row.bytes);
    doubts.add_int64(event.row.doubt_until);
    priorities.add_int64(event.row.priority);
  }
};

}  // namespace

Status PgLaneTransaction::open(std::span<const delivery::OpenEvent> events) {
  NewRows rows;
  RetryRecords retries;
  for (const delivery::OpenEvent& event : events) {
    SPOOL_ASSERT(message::usable(event.source) && message::usable(event.id),
                 "an open event has an identity that can be stored");
    rows.add(event);
    if (event.failed) {
      retries.add(event.record, event.source, event.id, event.row, *event.failed,
                  context_.retry_topics, sender());
    } else {
      retries.add_none();
    }
  }
  return execute_sending(
      kOpen,
      Params::of(rows.numbers.text(), rows.keys.text(), rows.states.text(), rows.dues.text(),
                 rows.lives.text(), rows.attempts.text(), rows.first_failed.text(),
                 rows.sources.text(), rows.ids.text(), rows.types.text(), rows.offsets.text(),
                 rows.timestamps.text(), rows.record_keys.text(), rows.values.text(),
                 rows.headers.text(), rows.bytes.text(), retries.error_types.text(),
                 retries.error_messages.text(), retries.ids.text(), retries.topics.text(),
                 retries.headers.text(), rows.doubts.text(), rows.priorities.text()));
}

Status PgLaneTransaction::reschedule(std::span<const delivery::Reschedule> heads) {
  ArrayText numbers;
  ArrayText dues;
  ArrayText attempts;
  ArrayText first_failed;
  ArrayText doubts;
  RetryRecords retries;
  for (const delivery::Reschedule& head : heads) {
    numbers.add_int64(head.row.number);
    dues.add_int64(head.row.due);
    attempts.add_int64(head.row.attempts);
    first_failed.add_int64(head.row.first_failed_at);
    doubts.add_int64(head.row.doubt_until);
    retries.add(head.record, head.source, head.id, head.row, head.failed, context_.retry_topics,
                sender());
  }
  const std::string replay = delivery::replay_header_prefix();
  auto rows = execute(
      kReschedule,
      Params::of(numbers.text(), dues.text(), attempts.text(), first_failed.text(),
                 retries.error_types.text(), retries.error_messages.text(), retries.ids.text(),
                 retries.topics.text(), retries.headers.text(), Bytes{replay}, doubts.text()));
  if (!rows) return rows.failure();
  durable_ = true;
  if (rows->int64(0, 0) != static_cast<std::int64_t>(heads.size()))
    return disagree("a head that failed has no row");
  return {};
}

Status PgLaneTransaction::close(std::span<const std::int64_t> numbers) {
  auto rows = execute(kClose, Params::of(numbers_of(numbers).text()));
  if (!rows) return rows.failure();
  if (rows->int64(0, 0) != static_cast<std::int64_t>(numbers.size()))
    return disagree("an event that ended has no row");
  return {};
}

Status PgLaneTransaction::block(std::span<const std::int64_t> numbers) {
  return change(kBlock, Params::of(numbers_of(numbers).text()), numbers.size(),
                "an event that died has no row");
}

Status PgLaneTransaction::hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) {
  return change(kHasten, Params::of(numbers_of(numbers).text(), due), numbers.size(),
                "an event that is to act at once has no row");
}

Status PgLaneTransaction::prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) {
  return change(kPrioritize, Params::of(numbers_of(numbers).text(), priority), numbers.size(),
                "an event that is to go first has no row");
}

Result<std::vector<delivery::Promoted>> PgLaneTransaction::promote(
    std::span<const delivery::KeyHash> keys, base::EpochMicros due) {
  ArrayText array;
  for (const delivery::KeyHash& key : keys) array.add_uuid(key);
  auto rows = execute(kPromote, Params::of(array.text(), due));
  if (!rows) return rows.failure();
  if (rows->size() != keys.size()) return disagree("a held key has no rows");
  std::vector<delivery::Promoted> heads;
  heads.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i)
    heads.push_back({rows->int64(i, 0), static_cast<std::int16_t>(rows->int32(i, 1))});
  return heads;
}

Result<delivery::OpenPage> PgLaneTransaction::read_open(std::span<const delivery::HeadRef> heads,
                                                        std::size_t events_max,
                                                        std::size_t bytes_max) {
  ArrayText keys;
  ArrayText numbers;
  for (const delivery::HeadRef& head : heads) {
    keys.add_uuid(head.key);
    numbers.add_int64(head.number);
  }
  auto rows = execute(kRead, Params::of(keys.text(), numbers.text(), events_max, bytes_max));
  if (!rows) return rows.failure();
  delivery::OpenPage page;
  page.rows.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (auto appended = append_open_row(*rows, i, page); !appended) return appended.failure();
  }
  return page;
}

Result<std::vector<delivery::OpenRow>> PgLaneTransaction::read_scheduled(base::EpochMicros due,
                                                                         std::size_t rows_max) {
  auto rows = execute(kReadScheduled, Params::of(due, rows_max));
  if (!rows) return rows.failure();
  std::vector<delivery::OpenRow> scheduled;
  scheduled.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) scheduled.push_back(read_open_row(*rows, i));
  return scheduled;
}

Result<std::optional<base::EpochMicros>> PgLaneTransaction::next_scheduled() {
  auto rows = execute(kNextScheduled);
  if (!rows) return rows.failure();
  if (rows->boolean(0, 0)) return std::optional<base::EpochMicros>();
  return std::optional<base::EpochMicros>(rows->int64(0, 1));
}

Status PgLaneTransaction::awaken(std::span<const delivery::Awakening> rows) {
  ArrayText numbers;
  ArrayText new_numbers;
  ArrayText states;
  ArrayText keys;
  ArrayText priorities;
  for (const delivery::Awakening& row : rows) {
    numbers.add_int64(row.number);
    new_numbers.add_int64(row.new_number);
    states.add_text(to_string(row.state));
    keys.add_uuid(row.key);
    priorities.add_int64(row.priority);
  }
  return change(
      kAwaken,
      Params::of(numbers.text(), new_numbers.text(), states.text(), keys.text(), priorities.text()),
      rows.size(), "a scheduled event has no row");
}

Status PgLaneTransaction::postpone(std::span<const delivery::Postponement> rows) {
  ArrayText numbers;
  ArrayText new_numbers;
  ArrayText dues;
  ArrayText keys;
  for (const delivery::Postponement& row : rows) {
    numbers.add_int64(row.number);
    new_numbers.add_int64(row.new_number);
    dues.add_int64(row.due);
    keys.add_uuid(row.key);
  }
  return change(kPostpone, Params::of(numbers.text(), new_numbers.text(), dues.text(), keys.text()),
                rows.size(), "an open event that is put off has no row");
}

}  // namespace spool::store
