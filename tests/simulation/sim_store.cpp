#include "tests/simulation/sim_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/simulation/sim_transaction.hpp"

namespace spool::simulation {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using delivery::LaneId;
using delivery::OpenState;

std::optional<Failure> SimStore::trouble() {
  process_.go_on();
  if (std::exchange(process_.broken, false))
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
  if (!faults_.planted(Plant::token_twice)) return database_.next_token();
  base::Uuid token;
  std::memcpy(token.bytes.data(), &epoch, sizeof epoch);
  return token;
}

delivery::OpenSummary SimStore::open_of(const LaneId& lane) {
  delivery::OpenSummary open;
  std::map<delivery::KeyHash, delivery::Held> keys;
  std::set<delivery::KeyHash> untried;
  for (const auto& [number, kept] : database_.tables(lane).open) {
    const delivery::OpenRow& row = kept.row;
    open.events += row.state == OpenState::dead ? 0 : 1;
    open.bytes += row.bytes;
    open.next_number = number + 1;
    if (row.state == OpenState::scheduled) {
      if (!open.next_scheduled || row.due < *open.next_scheduled) open.next_scheduled = row.due;
      continue;
    }
    delivery::Held& held = keys[row.key];
    ++held.events;
    if (row.state == OpenState::parked) continue;
    held.head = number;
    held.due = row.due;
    held.priority = row.priority;
    held.blocked = row.state == OpenState::dead;
    if (faults_.planted(Plant::take_forgets_due)) held.due = 0;
    if (faults_.planted(Plant::take_forgets_drains) && row.attempts == 0) held.due += 3'600'000'000;
    if (faults_.planted(Plant::dead_head_acts)) held.blocked = false;
    if (!held.blocked && row.attempts == 0) untried.insert(row.key);
  }
  if (faults_.planted(Plant::take_forgets_held)) return open;
  for (const auto& [key, held] : keys) {
    if (untried.contains(key) && faults_.planted(Plant::take_forgets_untried)) continue;
    open.keys.push_back({key, held});
  }
  return open;
}

delivery::LaneState SimStore::state_of(const LaneId& lane) {
  const LaneTables& tables = database_.tables(lane);
  const LaneRow& row = *tables.row;
  delivery::LaneState state;
  state.epoch = row.epoch;
  state.claim = row.claim;
  state.start = row.start;
  state.next = row.next;
  state.last_offset = row.last_offset;
  state.last_timestamp_ms = row.last_timestamp_ms;
  state.counters = row.counters;
  for (const auto& [number, entry] : tables.outbox) state.outbox_pending |= entry.error.empty();
  state.open = open_of(lane);
  state.suspicion = row.suspicion;
  state.companions = row.companions;
  if (!faults_.planted(Plant::calls_before_log)) state.doubt_below = row.doubt_below;
  state.doubt_until = row.doubt_until;
  if (faults_.planted(Plant::resume_from_group)) {
    const std::int64_t group = broker_.group_offset(lane);
    state.counters.applied += group - state.next;
    state.next = group;
  }
  if (faults_.planted(Plant::no_timestamp_check)) state.last_timestamp_ms = -1;
  return state;
}

// The checkers' own account: which event was marked as running alone when its owner ended.
void SimStore::count_end_alone(const LaneId& lane) {
  LaneTables& tables = database_.tables(lane);
  const delivery::Trial trial = tables.running->trial;
  std::pair<int, std::int32_t> who{0, 0};
  if (trial.origin == delivery::Origin::open) {
    const auto row = tables.open.find(trial.at);
    if (row == tables.open.end()) return;
    who = {row->second.serial, row->second.row.life};
  } else {
    const auto& entries = broker_.origin(lane).entries;
    auto at = static_cast<std::size_t>(trial.at);
    while (at < entries.size() && entries[at].gap) ++at;
    if (at == entries.size()) return;
    who = {entries[at].serial, 0};
  }
  database_.on_undo([lane, who, before = tables.last_ends](SimDatabase& back) {
    --back.tables(lane).ends_alone[who];
    back.tables(lane).last_ends = before;
  });
  ++tables.ends_alone[who];
  EndsAlone& last = tables.last_ends;
  const bool again = last.origin == trial.origin && last.at == trial.at && last.who == who;
  last = {trial.origin, trial.at, who, again ? last.ends + 1 : 1};
}

void SimStore::suspect(const LaneId& lane, bool died) {
  LaneTables& tables = database_.tables(lane);
  LaneRow& row = *tables.row;
  const auto& mark = tables.running;
  if (died && mark && mark->trial.events == 1 && mark->alone) count_end_alone(lane);
  database_.on_undo(
      [lane, before = tables.running](SimDatabase& back) { back.tables(lane).running = before; });
  tables.running.reset();

  const delivery::Suspicion found = row.suspicion;
  if (faults_.planted(Plant::end_unnoticed)) died = false;
  if (faults_.planted(Plant::drop_is_an_end)) died = !row.clean;
  delivery::Suspicion now = delivery::after_taking(found, died);
  const bool marked = died && found.trial;
  if (marked && faults_.planted(Plant::mark_not_narrowed)) {
    now.log_together = std::max(now.log_together, found.trial->events);
    now.open_together = std::max(now.open_together, found.trial->events);
  }
  if (marked && faults_.planted(Plant::any_end_condemns)) {
    now.accused = found.trial;
    now.ends = delivery::kEndsToDie;
  }
  if (now.ends > found.ends && faults_.planted(Plant::end_counts_twice)) ++now.ends;
  row.suspicion = now;
  if (faults_.trace.on())
    faults_.trace.add("taken by process " + std::to_string(process_.number) + ", died " +
                      std::to_string(died) + ", log together " + std::to_string(now.log_together) +
                      ", open together " + std::to_string(now.open_together) + ", ends " +
                      std::to_string(now.ends));
}

// Somebody whom the database has forgotten may have begun whatever is open, and whatever the log
// holds.
void SimStore::doubt(const LaneId& lane, const delivery::Witness& witness) {
  LaneTables& tables = database_.tables(lane);
  const bool at_once = faults_.planted(Plant::restore_asked_at_once);
  const base::EpochMicros until = database_.time + (at_once ? 0 : witness.call_length);
  if (faults_.trace.on()) faults_.trace.add("the database was set back, says the owner");
  tables.row->doubt_until = until;
  tables.row->doubted_at = database_.time;
  if (!faults_.planted(Plant::restore_trusts_log))
    tables.row->doubt_below = std::max(tables.row->doubt_below, witness.log_end);
  if (faults_.planted(Plant::restore_trusts_open)) return;
  for (auto& [number, kept] : tables.open) {
    if (kept.row.state == OpenState::dead) continue;
    database_.keep_open(lane, number);
    kept.row.doubt_until = until;
  }
}

Result<delivery::LaneState> SimStore::take(const LaneId& lane, const std::string&,
                                           std::int64_t earliest,
                                           const delivery::Witness& witness) {
  if (auto failure = trouble()) return *failure;
  if (faults_.chance(faults_.swarm.row_held))
    return Failure(FailureKind::slow, "lock timeout", "55P03");
  database_.begin();
  LaneTables& tables = database_.tables(lane);
  database_.keep_row(lane);
  if (!tables.row) {
    tables.row.emplace();
    tables.row->start = tables.row->next = earliest;
  }
  LaneRow& row = *tables.row;
  const delivery::LaneMark mine{row.epoch, row.claim.seq};
  const bool set_back = witness.call_length > 0 && witness.mark > mine;
  if (set_back) doubt(lane, witness);
  ++row.epoch;
  row.claim.token = token_for(row.epoch);
  row.claim.seq = faults_.swarm.take_restarts_seq ? 0 : row.claim.seq + 1;
  row.stopped.clear();
  suspect(lane, !row.clean && row.owner != process_.number);
  row.clean = false;
  row.owner = process_.number;
  delivery::LaneState state = state_of(lane);
  state.set_back = set_back;
  if (auto done = commit(!faults_.planted(Plant::take_relaxed)); !done) return done.failure();
  database_.observer().taken(lane, state.epoch);
  return state;
}

Result<std::unique_ptr<delivery::LaneTransaction>> SimStore::begin(const LaneId& lane) {
  if (auto failure = trouble()) return *failure;
  return std::unique_ptr<delivery::LaneTransaction>(
      std::make_unique<SimTransaction>(lane, database_, broker_, faults_, process_));
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
  auto& outbox = database_.tables(lane).outbox;
  for (const auto& [number, entry] : outbox) {
    if (rows.size() == rows_max) break;
    if (entry.error.empty()) rows.push_back(entry.row);
  }
  if (!faults_.planted(Plant::outbox_deleted_when_read)) return rows;
  for (const delivery::OutboxRow& row : rows) outbox.erase(row.number);
  return rows;
}

Result<std::vector<delivery::LaneCommand>> SimStore::commands(std::span<const LaneId> lanes) {
  if (auto failure = trouble()) return *failure;
  std::vector<delivery::LaneCommand> asked;
  for (const CommandRow& row : database_.commands()) {
    if (row.state != CommandRow::State::running) continue;
    for (const LaneId& lane : lanes) {
      if (lane.handler != row.handler) continue;
      const auto progress = row.lanes.find(lane.partition);
      if (progress != row.lanes.end() && !progress->second.finished)
        asked.push_back({lane, row.command});
    }
  }
  return asked;
}

Status SimStore::mark_stopped(const LaneId& lane, const delivery::Claim& claim,
                              const std::string& reason, const std::string&) {
  if (auto failure = trouble()) return *failure;
  auto& row = database_.tables(lane).row;
  if (!row || row->claim != claim) return Failure(FailureKind::fenced, "no longer ours");
  database_.begin();
  database_.keep_row(lane);
  ++row->claim.seq;
  row->stopped = reason;
  return commit(false);
}

}  // namespace spool::simulation
