#include "engine/store/row_columns.hpp"

#include <optional>
#include <string_view>

#include "engine/base/assert.hpp"
#include "engine/message/header_block.hpp"

namespace spool::store {
namespace {

using delivery::OpenState;
using delivery::Origin;
using delivery::Suspicion;
using delivery::Trial;
using postgres::Params;
using postgres::Rows;

constexpr postgres::Statement kSuspect{
    "lane_suspect",
    "update spool.lanes set (" SPOOL_SUSPICION_COLUMNS
    ") = row ($3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::bigint, $9::bigint,"
    " $10::bigint, $11::text, $12::bigint, $13::int)"
    " where handler = $1 and partition = $2"};

std::optional<std::string_view> word_of(const std::optional<Trial>& trial) {
  if (!trial) return std::nullopt;
  return trial->origin == Origin::log ? "log" : "open";
}

std::optional<Origin> read_origin(const Rows& rows, std::size_t row, std::size_t column) {
  const auto word = rows.at(row, column);
  if (!word) return std::nullopt;
  return *word == "log" ? Origin::log : Origin::open;
}

OpenState read_state(std::string_view word) {
  for (const OpenState state :
       {OpenState::head, OpenState::parked, OpenState::scheduled, OpenState::dead}) {
    if (word == to_string(state)) return state;
  }
  SPOOL_ASSERT(false, "a state that the table's own check refuses");
}

}  // namespace

const char* to_string(OpenState state) {
  switch (state) {
    case OpenState::head:
      return "head";
    case OpenState::parked:
      return "parked";
    case OpenState::scheduled:
      return "scheduled";
    case OpenState::dead:
      break;
  }
  return "dead";
}

Suspicion read_suspicion(const Rows& rows, std::size_t row, std::size_t column) {
  Suspicion found;
  found.log_together = rows.int64(row, column);
  found.log_until = rows.int64(row, column + 1);
  found.open_together = rows.int64(row, column + 2);
  found.open_left = rows.int64(row, column + 3);
  if (const auto origin = read_origin(rows, row, column + 4)) {
    found.trial = Trial{*origin, rows.int64(row, column + 5), rows.int64(row, column + 6),
                        rows.int64(row, column + 7)};
  }
  // It ran alone; where its run would have ended is of no use any more.
  if (const auto origin = read_origin(rows, row, column + 8))
    found.accused = Trial{*origin, rows.int64(row, column + 9), 0, 1};
  found.ends = rows.int32(row, column + 10);
  return found;
}

base::Status write_suspicion(postgres::Transaction& transaction, const delivery::LaneId& lane,
                             const Suspicion& suspicion) {
  const Trial trial = suspicion.trial.value_or(Trial{});
  auto rows = transaction.execute(
      kSuspect,
      Params::of(lane.handler, lane.partition, suspicion.log_together, suspicion.log_until,
                 suspicion.open_together, suspicion.open_left, word_of(suspicion.trial), trial.at,
                 trial.until, trial.events, word_of(suspicion.accused),
                 suspicion.accused.value_or(Trial{}).at, suspicion.ends));
  if (!rows) return rows.failure();
  return {};
}

delivery::OpenRow read_open_row(const Rows& rows, std::size_t row) {
  delivery::OpenRow open;
  open.number = rows.int64(row, 0);
  open.key = rows.uuid(row, 1);
  open.state = read_state(rows.text(row, 2));
  open.due = rows.int64(row, 3);
  open.life = rows.int32(row, 4);
  open.attempts = rows.int32(row, 5);
  open.first_failed_at = rows.int64(row, 6);
  open.bytes = rows.int64(row, 7);
  open.called = rows.boolean(row, 8);
  open.doubt_until = rows.int64(row, 9);
  open.priority = static_cast<std::int16_t>(rows.int32(row, 10));
  return open;
}

base::Status append_open_row(const Rows& rows, std::size_t row, delivery::OpenPage& page) {
  page.rows.push_back(read_open_row(rows, row));
  message::Record record;
  record.offset = rows.int64(row, kOpenColumns);
  record.timestamp_ms = rows.int64(row, kOpenColumns + 1);
  const auto key = rows.bytes(row, kOpenColumns + 2);
  const auto value = rows.bytes(row, kOpenColumns + 3);
  const auto owned = message::unpack_headers(rows.bytes(row, kOpenColumns + 4).value_or(""));
  if (!owned) return base::Failure(base::FailureKind::schema, owned.failure().text);
  std::vector<message::Header> headers;
  headers.reserve(owned->size());
  for (const auto& [name, text] : *owned) headers.push_back({name, text});
  record.key = key;
  record.value = value;
  record.headers = headers;
  page.records.append(record);
  return {};
}

delivery::FoundLetter read_letter(const Rows& rows, std::size_t row) {
  delivery::FoundLetter letter;
  letter.id = rows.uuid(row, 0);
  letter.source = rows.text(row, 1);
  letter.event_id = rows.text(row, 2);
  letter.key = rows.uuid(row, 3);
  letter.life = rows.int32(row, 4);
  letter.open = rows.boolean(row, 5);
  letter.bytes = rows.int64(row, 6);
  letter.held_by = rows.int64(row, 7);
  return letter;
}

}  // namespace spool::store
