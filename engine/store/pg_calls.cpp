// What a lane whose handler performs asks of its open events: rows by number and by name, markers,
// and the handler's own part of the transaction.
#include "engine/base/assert.hpp"
#include "engine/store/pg_lane_transaction.hpp"
#include "engine/store/row_columns.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr Statement kReadRows{
    "lane_read_rows", "select " SPOOL_OPEN_COLUMNS ", " SPOOL_RECORD_COLUMNS
                      ", o.source, o.event_id from spool.open_events o"
                      " where o.handler = $1 and o.partition = $2 and o.number = any ($3::bigint[])"
                      " order by o.number"};

// One by one: before the table has statistics a join would read all of it.
constexpr Statement kFindOpen{
    "lane_find_open",
    "select o.* from unnest($3::text[], $4::text[]) as e (source, event_id)"
    " cross join lateral (select " SPOOL_OPEN_COLUMNS
    " from spool.open_events o where o.handler = $1 and o.partition = $2"
    " and o.source = e.source and o.event_id = e.event_id offset 0) o order by o.number"};

constexpr Statement kMark{
    "lane_mark",
    "update spool.open_events o set due_at = " SPOOL_TIME("m.due") ","
    " doubt_until = " SPOOL_TIME("m.doubt_until")
    " from unnest($3::bigint[], $4::bigint[], $5::bigint[]) as m (number, due, doubt_until)"
    " where o.handler = $1 and o.partition = $2 and o.number = m.number and o.state = 'head'"};

}  // namespace

Result<delivery::OpenPage> PgLaneTransaction::read_rows(std::span<const std::int64_t> numbers) {
  ArrayText array;
  for (const std::int64_t number : numbers) array.add_int64(number);
  auto rows = execute(kReadRows, Params::of(array.text()));
  if (!rows) return rows.failure();
  delivery::OpenPage page;
  page.rows.reserve(rows->size());
  page.names.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (auto appended = append_open_row(*rows, i, page); !appended) return appended.failure();
    constexpr std::size_t kNames = kOpenColumns + kRecordColumns;
    page.names.push_back({rows->text(i, kNames), rows->text(i, kNames + 1)});
  }
  return page;
}

Result<std::vector<delivery::OpenRow>> PgLaneTransaction::find_open(
    std::span<const message::Identity> events) {
  ArrayText sources;
  ArrayText ids;
  for (const message::Identity& event : events) {
    sources.add_text(event.source);
    ids.add_text(event.id);
  }
  auto rows = execute(kFindOpen, Params::of(sources.text(), ids.text()));
  if (!rows) return rows.failure();
  std::vector<delivery::OpenRow> found;
  found.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) found.push_back(read_open_row(*rows, i));
  return found;
}

Status PgLaneTransaction::mark(std::span<const delivery::HeadMark> heads) {
  ArrayText numbers;
  ArrayText dues;
  ArrayText doubts;
  for (const delivery::HeadMark& head : heads) {
    numbers.add_int64(head.number);
    dues.add_int64(head.due);
    doubts.add_int64(head.doubt_until);
  }
  return change(kMark, Params::of(numbers.text(), dues.text(), doubts.text()), heads.size(),
                "a head that is marked has no row");
}

Result<handler::Opened> PgLaneTransaction::open_calls(const handler::PerformThenSettle& way,
                                                      std::span<const handler::Turn> turns) {
  return way.open(*transaction_, turns);
}

Result<handler::SettledRows> PgLaneTransaction::settle_calls(
    const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) {
  return way.settle(*transaction_, settlings);
}

}  // namespace spool::store
