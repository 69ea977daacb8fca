#include "engine/store/dead_letter_query.hpp"

#include <charconv>

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

#define SPOOL_SUMMARY                                                                  \
  "select id, handler, source, event_id, event_type, life, topic, partition,"          \
  " record_offset, record_timestamp_ms, error_type, error_field, error_message,"       \
  " fingerprint, attempts, state, (extract(epoch from first_seen) * 1000000)::bigint," \
  " (extract(epoch from dead_at) * 1000000)::bigint"

constexpr Statement kList{
    "dead_letters_list", SPOOL_SUMMARY
    " from spool.dead_letters"
    " where ($1::text is null or handler = $1) and ($2::text is null or error_type = $2)"
    " and ($3::bigint is null or (dead_at, id) <"
    " (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::uuid))"
    " order by dead_at desc, id desc limit $5"};

constexpr Statement kShow{"dead_letters_show", SPOOL_SUMMARY
                          ", key, value, headers from spool.dead_letters where id = $1"};

#undef SPOOL_SUMMARY

constexpr std::size_t kSummaryColumns = 18;

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
  return one;
}

struct Cursor {
  std::optional<std::int64_t> dead_at;
  std::optional<base::Uuid> id;
};

// <microseconds>_<uuid> of the last letter of the page before.
Result<Cursor> parse_cursor(const std::string& text) {
  if (text.empty()) return Cursor{};
  std::int64_t micros = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, micros);
  if (error == std::errc{} && at != end && *at == '_') {
    const auto id = base::parse_uuid(std::string_view(at + 1, end));
    if (id) return Cursor{micros, id};
  }
  return Failure(FailureKind::invalid, "this is no cursor of a list of dead letters");
}

}  // namespace

Result<DeadLetterPage> list_dead_letters(postgres::Connection& connection,
                                         const DeadLetterFilter& filter) {
  auto cursor = parse_cursor(filter.cursor);
  if (!cursor) return cursor.failure();
  // One more than asked for tells whether there is another page.
  auto rows = connection.execute(kList, Params::of(filter.handler, filter.error_type,
                                                   cursor->dead_at, cursor->id, filter.limit + 1));
  if (!rows) return rows.failure();
  DeadLetterPage page;
  const auto limit = static_cast<std::size_t>(filter.limit);
  for (std::size_t i = 0; i < rows->size() && i < limit; ++i) {
    page.letters.push_back(summary(*rows, i));
  }
  if (rows->size() > limit && limit > 0) {
    const DeadLetterSummary& last = page.letters.back();
    page.next = std::to_string(last.dead_at) + "_" + base::to_string(last.id);
  }
  return page;
}

Result<DeadLetterDetail> show_dead_letter(postgres::Connection& connection, const base::Uuid& id) {
  auto rows = connection.execute(kShow, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty()) {
    return Failure(FailureKind::not_found, "there is no dead letter " + base::to_string(id));
  }
  auto headers = message::unpack_headers(rows->bytes(0, kSummaryColumns + 2).value_or(""));
  if (!headers) return headers.failure();
  return DeadLetterDetail{summary(*rows, 0), rows->bytes(0, kSummaryColumns),
                          rows->bytes(0, kSummaryColumns + 1), std::move(*headers)};
}

}  // namespace spool::store
