#include "engine/store/dead_letter_query.hpp"

#include "engine/store/event_filter_sql.hpp"
#include "engine/store/page_cursor.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

#define SPOOL_SUMMARY                                                                          \
  "d.id, d.handler, d.source, d.event_id, d.event_type, d.life, d.topic, d.partition,"         \
  " d.record_offset, d.record_timestamp_ms, d.error_type, d.error_field, d.error_message,"     \
  " d.fingerprint, d.attempts, d.state, (extract(epoch from d.first_seen) * 1000000)::bigint," \
  " (extract(epoch from d.dead_at) * 1000000)::bigint,"                                        \
  " (extract(epoch from d.settled_at) * 1000000)::bigint, d.edited, d.erased, d.note"
#define SPOOL_AT(MICROS) "timestamptz 'epoch' + " MICROS "::bigint * interval '1 microsecond'"

constexpr Statement kList{
    "dead_letters_list",
    "select " SPOOL_SUMMARY
    " from spool.dead_letters d"
    " where ($2::text is null or d.handler = $2) and " SPOOL_LETTER_MATCHES("d", "$1::jsonb")
    " and ($3::bigint is null or (d.dead_at, d.id) < (" SPOOL_AT("$3") ", $4::uuid))"
    " order by d.dead_at desc, d.id desc limit $5"};

// Bounded by count and bytes; what is too large by itself comes alone.
constexpr Statement kRead{
    "dead_letters_read",
    "select " SPOOL_SUMMARY
    ", d.history, d.key, d.value, d.headers from (select x.*, sum(coalesce(octet_length(x.value), 0)"
    " + octet_length(x.headers)) over (order by x.dead_at, x.id) as bytes,"
    " row_number() over (order by x.dead_at, x.id) as nr"
    " from (select * from spool.dead_letters d"
    " where ($2::text is null or d.handler = $2) and " SPOOL_LETTER_MATCHES("d", "$1::jsonb")
    " and ($3::bigint is null or (d.dead_at, d.id) > (" SPOOL_AT("$3") ", $4::uuid))"
    " order by d.dead_at, d.id limit $5) x) d"
    " where d.bytes <= $6 or d.nr = 1 order by d.dead_at, d.id"};

constexpr Statement kShow{"dead_letters_show",
                          "select " SPOOL_SUMMARY
                          ", d.history, d.key, d.value, d.headers from spool.dead_letters d"
                          " where d.id = $1"};

#undef SPOOL_SUMMARY
#undef SPOOL_AT

constexpr std::size_t kSummaryColumns = 22;
constexpr std::int64_t kReadLetters = 500;
constexpr std::int64_t kReadBytes = 4LL << 20;

DeadLetterSummary summary(const Rows& rows, std::size_t i) {
  DeadLetterSummary one;
  one.id = rows.uuid(i, 0);
  one.handler = rows.text(i, 1);
  one.source = rows.text(i, 2);
  one.event_id = rows.text(i, 3);
  one.event_type = rows.text(i, 4);
  one.life = rows.int32(i, 5);
  one.topic = rows.text(i, 6);
  one.partition = rows.int32(i, 7);
  one.offset = rows.int64(i, 8);
  one.timestamp_ms = rows.int64(i, 9);
  one.error_type = rows.text(i, 10);
  one.error_field = rows.text(i, 11);
  one.error_message = rows.text(i, 12);
  one.fingerprint = rows.text(i, 13);
  one.attempts = rows.int32(i, 14);
  one.state = rows.text(i, 15);
  one.first_seen = rows.int64(i, 16);
  one.dead_at = rows.int64(i, 17);
  one.settled_at = rows.optional_int64(i, 18);
  one.edited = rows.boolean(i, 19);
  one.erased = rows.boolean(i, 20);
  if (const auto note = rows.at(i, 21)) one.note = std::string(*note);
  return one;
}

Result<DeadLetterDetail> detail(const Rows& rows, std::size_t i) {
  auto headers = message::unpack_headers(rows.bytes(i, kSummaryColumns + 3).value_or(""));
  if (!headers) return headers.failure();
  return DeadLetterDetail{summary(rows, i), rows.text(i, kSummaryColumns),
                          rows.bytes(i, kSummaryColumns + 1), rows.bytes(i, kSummaryColumns + 2),
                          std::move(*headers)};
}

std::string behind(const DeadLetterSummary& last) {
  return page_cursor(last.dead_at, last.id);
}

}  // namespace

Result<DeadLetterPage> list_dead_letters(postgres::Connection& connection,
                                         const EventFilter& filter, std::int64_t limit,
                                         const std::string& cursor) {
  auto from = parse_page_cursor(cursor, "dead letters");
  if (!from) return from.failure();
  // One more than asked for tells whether there is another page.
  auto rows = connection.execute(
      kList, Params::of(filter_json(filter), filter.handler, from->time, from->id, limit + 1));
  if (!rows) return rows.failure();
  DeadLetterPage page;
  const auto wanted = static_cast<std::size_t>(limit);
  for (std::size_t i = 0; i < rows->size() && i < wanted; ++i)
    page.letters.push_back(summary(*rows, i));
  if (rows->size() > wanted && wanted > 0) page.next = behind(page.letters.back());
  return page;
}

Result<DeadLetterBatch> read_dead_letters(postgres::Connection& connection,
                                          const EventFilter& filter, const std::string& cursor) {
  auto from = parse_page_cursor(cursor, "dead letters");
  if (!from) return from.failure();
  auto rows = connection.execute(kRead, Params::of(filter_json(filter), filter.handler, from->time,
                                                   from->id, kReadLetters, kReadBytes));
  if (!rows) return rows.failure();
  DeadLetterBatch batch;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto one = detail(*rows, i);
    if (!one) return one.failure();
    batch.letters.push_back(std::move(*one));
  }
  if (!batch.letters.empty()) batch.next = behind(batch.letters.back().summary);
  return batch;
}

Result<DeadLetterDetail> show_dead_letter(postgres::Connection& connection, const base::Uuid& id) {
  auto rows = connection.execute(kShow, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty()) {
    return Failure(FailureKind::not_found, "there is no dead letter " + base::to_string(id));
  }
  return detail(*rows, 0);
}

}  // namespace spool::store
