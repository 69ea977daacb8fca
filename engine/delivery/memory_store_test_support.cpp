#include "engine/delivery/memory_store_test_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/memory_transaction_test_support.hpp"

namespace spool::delivery::test {

using base::Failure;
using base::Result;
using base::Status;

std::vector<std::string> Tables::applied_ids() const {
  std::vector<std::string> ids;
  for (const StagedEvent& event : applied) ids.push_back(event.id);
  return ids;
}

std::size_t Tables::rows_in(OpenState state) const {
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [&](const auto& row) { return row.second.row.state == state; }));
}

const KeptRow* Tables::row_of(const std::string& id) const {
  for (const auto& [number, row] : rows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

const KeptLetter* Tables::letter_of(const std::string& id) const {
  for (const auto& [identity, letter] : letters) {
    if (identity.id == id) return &letter;
  }
  return nullptr;
}

std::map<KeyHash, Held> held_in(const Tables& tables) {
  std::map<KeyHash, Held> held;
  for (const auto& [number, kept] : tables.rows) {
    if (kept.row.state == OpenState::scheduled) continue;
    Held& key = held[kept.row.key];
    ++key.events;
    if (kept.row.state == OpenState::parked) {
      EXPECT_GE(key.head, 0) << kept.id << " is parked before its head, or without one";
      continue;
    }
    EXPECT_EQ(key.head, -1) << kept.id << " is its key's second head";
    key.head = number;
    key.due = kept.row.due;
    key.priority = kept.row.priority;
    key.blocked = kept.row.state == OpenState::dead;
  }
  return held;
}

void expect_sound(const Tables& tables) {
  EXPECT_EQ(tables.counters.sum(), tables.next - tables.start) << "conservation";
  EXPECT_EQ(static_cast<std::size_t>(tables.counters.open),
            tables.rows.size() - tables.rows_in(OpenState::dead));
  std::int64_t dead = 0;
  for (const auto& [identity, letter] : tables.letters) {
    const bool counts = letter.state == LetterState::open || letter.state == LetterState::discarded;
    dead += counts ? 1 : 0;
  }
  EXPECT_EQ(tables.counters.dead, dead);
  held_in(tables);
  for (const auto& [number, kept] : tables.rows) {
    EXPECT_EQ(number, kept.row.number);
    message::RecordBatch batch;
    kept.record.append_to(batch);
    EXPECT_EQ(kept.row.bytes, held_bytes(batch.record(0))) << kept.id;
  }
}

std::optional<Failure> MemoryStore::strike(const char* name) {
  const auto number = static_cast<int>(calls.size());
  calls.emplace_back(name);
  if (fail_on == name) {
    fail_on.clear();
  } else if (number != fail_at && !(strikes && strikes(name))) {
    return std::nullopt;
  }
  return Failure(kind, std::string("injected into ") + name);
}

int MemoryStore::called(const std::string& name) const {
  return static_cast<int>(std::count(calls.begin(), calls.end(), name));
}

Result<LogBounds> MemoryStore::bounds(const std::string&, std::int32_t) {
  if (auto failure = strike("bounds")) return *failure;
  return questions++ == 0 ? log : log_later;
}

Status MemoryStore::admit(const LaneId&, const std::string&, const LogBounds&) {
  if (auto failure = strike("admit")) return *failure;
  return {};
}

Result<LaneMark> MemoryStore::witnessed(const LaneId&) {
  if (auto failure = strike("witnessed")) return *failure;
  return group_mark;
}

Result<LaneState> MemoryStore::take(const LaneId&, const std::string&, std::int64_t,
                                    const Witness& witness) {
  if (auto failure = strike("take")) return *failure;
  const bool set_back = witness.call_length > 0 && witness.mark > LaneMark{0, tables.claim.seq};
  if (set_back) {
    tables.doubt_below = std::max(tables.doubt_below, witness.log_end);
    tables.doubt_until = kMorning + witness.call_length;
    for (auto& [number, kept] : tables.rows) kept.row.doubt_until = tables.doubt_until;
  }
  tables.claim.token = base::random_uuid();
  ++tables.claim.seq;
  LaneState state;
  state.epoch = tables.claim.seq;
  state.claim = tables.claim;
  state.start = tables.start;
  state.next = tables.next;
  state.counters = tables.counters;
  state.outbox_pending = !tables.outbox.empty();
  for (const auto& [key, held] : held_in(tables)) state.open.keys.push_back({key, held});
  state.open.events = tables.counters.open;
  for (const auto& [number, kept] : tables.rows) {
    state.open.bytes += kept.row.bytes;
    state.open.next_number = number + 1;
    const auto& next = state.open.next_scheduled;
    if (kept.row.state == OpenState::scheduled && (!next || kept.row.due < *next))
      state.open.next_scheduled = kept.row.due;
  }
  state.suspicion = tables.suspicion;
  state.set_back = set_back;
  state.doubt_below = tables.doubt_below;
  state.doubt_until = tables.doubt_until;
  state.companions = tables.companions;
  return state;
}

Result<std::unique_ptr<LaneTransaction>> MemoryStore::begin(const LaneId&) {
  if (auto failure = strike("begin")) return *failure;
  return std::unique_ptr<LaneTransaction>(std::make_unique<MemoryTransaction>(*this));
}

Result<std::vector<ClaimSeen>> MemoryStore::claims(std::span<const LaneId>) {
  return std::vector<ClaimSeen>{{kLane, tables.claim}};
}

Result<std::vector<OutboxRow>> MemoryStore::outbox(const LaneId&, std::size_t rows_max) {
  if (auto failure = strike("outbox")) return *failure;
  std::vector<OutboxRow> rows;
  for (const auto& [number, leaving] : tables.outbox) {
    if (rows.size() == rows_max) break;
    rows.push_back({number, leaving.rung ? "retry" : "dead", std::nullopt, leaving.id, {}});
  }
  return rows;
}

Result<std::vector<LaneCommand>> MemoryStore::commands(std::span<const LaneId>) {
  return std::vector<LaneCommand>{};
}

Status MemoryStore::mark_stopped(const LaneId&, const Claim&, const std::string& reason,
                                 const std::string&) {
  if (auto failure = strike("mark_stopped")) return *failure;
  tables.stopped = reason;
  ++tables.claim.seq;
  return {};
}

}  // namespace spool::delivery::test
