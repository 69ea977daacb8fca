#include "tests/simulation/sim_store.hpp"

#include <cstring>
#include <utility>

#include "tests/simulation/sim_transaction.hpp"

namespace spool::simulation {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using delivery::LaneId;

std::optional<Failure> SimStore::trouble() {
  if (std::exchange(connection_.broken, false))
    return Failure(FailureKind::unavailable, "connection lost");
  return faults_.strike();
}

Status SimStore::commit(bool durable) {
  if (faults_.chance(faults_.swarm.in_doubt)) {
    if (faults_.random.chance(500)) {
      database_.commit(durable);
    } else {
      database_.abandon();
    }
    return Failure(FailureKind::in_doubt, "connection lost during COMMIT");
  }
  database_.commit(durable);
  return {};
}

base::Uuid SimStore::token_for(std::int64_t epoch) {
  if (faults_.plant != Plant::token_twice) return database_.next_token();
  base::Uuid token;
  std::memcpy(token.bytes.data(), &epoch, sizeof epoch);
  return token;
}

delivery::LaneState SimStore::state_of(const LaneId& lane) {
  const LaneTables& tables = database_.tables(lane);
  const LaneRow& row = *tables.row;
  delivery::LaneState state{
      row.epoch,    row.claim, row.start, row.next, row.last_offset, row.last_timestamp_ms,
      row.counters, false};
  for (const auto& [number, entry] : tables.outbox) state.outbox_pending |= entry.error.empty();
  if (faults_.plant == Plant::resume_from_group) {
    const std::int64_t group = broker_.group_offset(lane);
    state.counters.applied += group - state.next;
    state.next = group;
  }
  if (faults_.plant == Plant::no_timestamp_check) state.last_timestamp_ms = -1;
  return state;
}

Result<delivery::LaneState> SimStore::take(const LaneId& lane, const std::string&,
                                           std::int64_t earliest) {
  if (auto failure = trouble()) return *failure;
  database_.begin();
  LaneTables& tables = database_.tables(lane);
  database_.on_undo(
      [lane, before = tables.row](SimDatabase& back) { back.tables(lane).row = before; });
  if (!tables.row) {
    tables.row.emplace();
    tables.row->start = tables.row->next = earliest;
  }
  LaneRow& row = *tables.row;
  ++row.epoch;
  row.claim.token = token_for(row.epoch);
  row.claim.seq = faults_.swarm.take_restarts_seq ? 0 : row.claim.seq + 1;
  row.stopped.clear();
  const delivery::LaneState state = state_of(lane);
  if (auto done = commit(faults_.plant != Plant::take_relaxed); !done) return done.failure();
  database_.observer().taken(lane, state.epoch);
  return state;
}

Result<std::unique_ptr<delivery::LaneTransaction>> SimStore::begin(const LaneId& lane) {
  if (auto failure = trouble()) return *failure;
  return std::unique_ptr<delivery::LaneTransaction>(
      std::make_unique<SimTransaction>(lane, database_, broker_, faults_, connection_));
}

Result<std::vector<delivery::ClaimSeen>> SimStore::claims(std::span<const LaneId> lanes) {
  if (auto failure = trouble()) return *failure;
  std::vector<delivery::ClaimSeen> seen;
  for (const LaneId& lane : lanes) {
    const auto& row = database_.tables(lane).row;
    if (row) seen.push_back({lane, row->claim});
  }
  return seen;
}

Result<std::vector<delivery::OutboxRow>> SimStore::outbox(const LaneId& lane,
                                                          std::size_t rows_max) {
  if (auto failure = trouble()) return *failure;
  std::vector<delivery::OutboxRow> rows;
  for (const auto& [number, entry] : database_.tables(lane).outbox) {
    if (rows.size() == rows_max) break;
    if (!entry.error.empty()) continue;
    rows.push_back({number, "dead", entry.identity.source, entry.identity.id, {}});
  }
  return rows;
}

Status SimStore::mark_stopped(const LaneId& lane, const delivery::Claim& claim,
                              const std::string& reason, const std::string&) {
  if (auto failure = trouble()) return *failure;
  auto& row = database_.tables(lane).row;
  if (!row || row->claim != claim) return Failure(FailureKind::fenced, "no longer ours");
  database_.begin();
  database_.on_undo([lane, before = row](SimDatabase& back) { back.tables(lane).row = before; });
  ++row->claim.seq;
  row->stopped = reason;
  return commit(false);
}

}  // namespace spool::simulation
