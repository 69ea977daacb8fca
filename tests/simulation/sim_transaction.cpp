#include "tests/simulation/sim_transaction.hpp"

#include <utility>

#include "engine/delivery/admission_batch.hpp"
#include "tests/simulation/sim_calls.hpp"

namespace spool::simulation {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

SimTransaction::SimTransaction(delivery::LaneId lane, SimDatabase& database, SimBroker& broker,
                               Faults& faults, Process& process)
    : lane_(std::move(lane)),
      database_(database),
      broker_(broker),
      faults_(faults),
      process_(process),
      number_(database.begin()) {}

SimTransaction::~SimTransaction() {
  if (database_.is_open(number_)) database_.abandon();
}

std::optional<Failure> SimTransaction::trouble(bool own_statement) {
  process_.go_on();
  if (std::exchange(process_.broken, false) || !database_.is_open(number_)) {
    if (database_.is_open(number_)) database_.abandon();
    return Failure(FailureKind::unavailable, "connection lost");
  }
  if (aborted_) return Failure(FailureKind::schema, "the transaction is aborted", "25P02");
  auto failure = faults_.strike();
  if (!failure && own_statement && faults_.chance(faults_.swarm.refused_statement))
    failure = Failure(FailureKind::bad_data, "a value of ours is out of range", "22003");
  if (failure) aborted_ = true;
  return failure;
}

void SimTransaction::move(const delivery::Advance& advance) {
  LaneRow& row = *tables().row;
  row.next = advance.to;
  const bool gaps_only = advance.last_offset < 0 && advance.to > advance.from;
  const bool forgets = gaps_only && faults_.planted(Plant::last_record_forgotten);
  if (advance.last_offset >= 0 || forgets) {
    row.last_offset = advance.last_offset;
    row.last_timestamp_ms = advance.last_timestamp_ms;
  }
  if (faults_.planted(Plant::counters_outside)) {
    counters_later_ = advance;
  } else {
    count(advance);
  }
}

void SimTransaction::count(const delivery::Advance& advance) {
  LaneRow& row = *tables().row;
  row.counters.applied += advance.delta.applied;
  row.counters.duplicate += advance.delta.duplicate;
  row.counters.dead += advance.delta.dead;
  row.counters.open += advance.delta.open;
  if (!faults_.planted(Plant::gaps_uncounted)) row.counters.gaps += advance.delta.gaps;
  if (!faults_.planted(Plant::lost_uncounted)) row.counters.lost += advance.delta.lost;
  const bool from_log = advance.to > advance.from;
  if (from_log && faults_.planted(Plant::copies_uncounted)) row.counters.duplicate -= revived_;
}

Status SimTransaction::fence(const delivery::Claim& claim, const delivery::Advance* step) {
  if (auto failure = trouble(true)) return *failure;
  auto& row = tables().row;
  const bool other = !row || row->claim.token != claim.token;
  const bool older = !row || row->claim.seq != claim.seq;
  if ((other && !faults_.planted(Plant::fence_ignores_token)) ||
      (older && !faults_.planted(Plant::fence_ignores_seq))) {
    if (row) database_.observer().fenced(lane_, claim, row->claim);
    aborted_ = true;
    return Failure(FailureKind::fenced, "no longer ours");
  }
  if (!row) return Failure(FailureKind::fenced, "no such lane");
  database_.keep_row(lane_);
  row->claim.seq = claim.seq + 1;
  if (step != nullptr) return advance(*step);
  return {};
}

Status SimTransaction::advance(const delivery::Advance& step) {
  if (auto failure = trouble(true)) return *failure;
  if (faults_.planted(Plant::position_outside)) {
    position_later_ = step;
    return {};
  }
  database_.keep_row(lane_);
  move(step);
  return {};
}

// No operator of the simulation accepts that a log is another one.
Status SimTransaction::restart(std::int64_t, std::int64_t) {
  return Failure(FailureKind::invalid, "nobody asks for it here");
}

Result<handler::ApplyCounts> SimTransaction::apply(handler::Batch& batch, std::size_t first,
                                                   std::size_t last) {
  if (auto failure = trouble(false)) return *failure;
  auto applied = [&] {
    auto* admission = dynamic_cast<delivery::AdmissionBatch*>(&batch);
    if (admission == nullptr)
      return dynamic_cast<SimBatch&>(batch).apply_to(database_, lane_, first, last);
    auto& admissions = dynamic_cast<SimAdmissions&>(admission->admissions());
    return admission->take_in(admissions.admit_to(database_, lane_, first, last), first, last);
  }();
  if (!applied) aborted_ = true;
  return applied;
}

Status SimTransaction::savepoint() {
  if (auto failure = trouble(true)) return *failure;
  savepoints_.push_back(database_.mark());
  return {};
}

Status SimTransaction::rollback_to_savepoint() {
  aborted_ = false;
  if (auto failure = trouble(true)) return *failure;
  if (!faults_.planted(Plant::savepoint_ignored)) database_.undo_to(savepoints_.back());
  savepoints_.pop_back();
  return {};
}

Status SimTransaction::release_savepoint() {
  if (auto failure = trouble(true)) return *failure;
  savepoints_.pop_back();
  return {};
}

Status SimTransaction::suspect(const delivery::Suspicion& suspicion) {
  if (auto failure = trouble(true)) return *failure;
  database_.keep_row(lane_);
  database_.on_undo([lane = lane_, before = tables().running](SimDatabase& back) {
    back.tables(lane).running = before;
  });
  tables().running.reset();
  marks_ = suspicion.trial.has_value();
  clears_ = !marks_;
  if (marks_) {
    process_.runs[lane_] = ++process_.marks;
    tables().running = Mark{*suspicion.trial, process_.number, process_.marks};
  }
  LaneRow& row = *tables().row;
  const delivery::Suspicion earlier = row.suspicion;
  row.suspicion = suspicion;
  if (faults_.planted(Plant::mark_not_cleared) && clears_) row.suspicion.trial = earlier.trial;
  if (faults_.planted(Plant::marks_overwrite_count)) overwrite_count(earlier);
  const bool heads = marks_ && suspicion.trial->origin == delivery::Origin::open;
  if (faults_.planted(Plant::heads_unmarked) && heads) row.suspicion.trial.reset();
  return {};
}

// The planted bug: a row with room for one of them.
void SimTransaction::overwrite_count(const delivery::Suspicion& before) {
  delivery::Suspicion& now = tables().row->suspicion;
  const bool another =
      now.trial && now.accused &&
      (now.trial->origin != now.accused->origin || now.trial->at != now.accused->at);
  if (!another && before.accused) return;
  now.accused.reset();
  now.ends = 0;
}

Status SimTransaction::move_companions(const std::map<std::string, std::int64_t>& next) {
  if (auto failure = trouble(true)) return *failure;
  database_.keep_row(lane_);
  for (const auto& [topic, offset] : next) tables().row->companions[topic] = offset;
  return {};
}

Status SimTransaction::allow(std::chrono::milliseconds) {
  if (auto failure = trouble(true)) return *failure;
  return {};
}

Status SimTransaction::let_go() {
  if (auto failure = trouble(true)) return *failure;
  database_.keep_row(lane_);
  tables().row->clean = true;
  return {};
}

Status SimTransaction::settle_outbox(std::span<const std::int64_t> published,
                                     std::span<const delivery::RefusedRow> refused) {
  if (auto failure = trouble(true)) return *failure;
  auto& outbox = tables().outbox;
  const auto remember = [&](std::int64_t number, const OutboxEntry& entry) {
    database_.on_undo([lane = lane_, number, entry](SimDatabase& back) {
      back.tables(lane).outbox.insert_or_assign(number, entry);
    });
  };
  for (const std::int64_t number : published) {
    const auto entry = outbox.find(number);
    if (entry == outbox.end()) continue;
    remember(number, entry->second);
    outbox.erase(entry);
  }
  for (const delivery::RefusedRow& row : refused) {
    const auto entry = outbox.find(row.number);
    if (entry == outbox.end()) continue;
    remember(row.number, entry->second);
    entry->second.error = row.error;
  }
  return {};
}

void SimTransaction::commit_now(bool durable) {
  database_.commit(durable);
  const bool later = position_later_ || counters_later_ || !settlings_later_.empty();
  if (later) {
    // The planted bugs: the worker may go between the two transactions.
    if (faults_.chance(faults_.swarm.in_doubt)) process_.kill();
    database_.begin();
    write_later();
    database_.commit(durable);
  }
  database_.observer().committed(lane_);
  const auto settling = process_.settling.find(lane_);
  if (settling != process_.settling.end())
    database_.observer().settled(lane_, read_, settling->second);
}

void SimTransaction::write_later() {
  database_.keep_row(lane_);
  if (position_later_) move(*position_later_);
  if (counters_later_) count(*counters_later_);
  if (way_ != nullptr)
    dynamic_cast<const SimPerform&>(*way_).settle_to(database_, lane_, settlings_later_);
}

Status SimTransaction::commit_in_doubt(bool really, bool durable) {
  if (really) {
    commit_now(durable);
  } else {
    database_.abandon();
  }
  const bool lie = really && faults_.planted(Plant::doubt_is_failure);
  return Failure(lie ? FailureKind::unavailable : FailureKind::in_doubt,
                 "connection lost during COMMIT");
}

Status SimTransaction::commit(delivery::Durability durability) {
  process_.go_on();
  bool durable = durability == delivery::Durability::durable;
  if (faults_.planted(Plant::outbox_relaxed)) durable = durable && marks_;
  if (faults_.planted(Plant::mark_relaxed)) durable = durable && !marks_;
  if (faults_.planted(Plant::marker_relaxed)) durable = durable && !begins_;
  if (faults_.planted(Plant::mark_cleared_relaxed)) durable = durable && (!clears_ || leaves_);
  // The server went, or the connection: for all that the client knows, after the commit.
  if (!database_.is_open(number_)) return Failure(FailureKind::in_doubt, "server lost in COMMIT");
  if (std::exchange(process_.broken, false)) return commit_in_doubt(false, durable);
  if (faults_.chance(faults_.swarm.in_doubt))
    return commit_in_doubt(faults_.random.chance(500), durable);
  if (auto failure = trouble(true)) return *failure;
  commit_now(durable);
  return {};
}

}  // namespace spool::simulation
