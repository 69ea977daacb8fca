#include "engine/delivery/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {
namespace {

const char* const kGoes = "the lane goes to somebody else";

bool runs_events(const Job& job) {
  return std::holds_alternative<ApplyJob>(job) || std::holds_alternative<DrainJob>(job);
}

// What a paused handler does not begin: what has its effect, and not what is admitted.
bool pausable(const Job& job, bool performs) {
  const auto* calls = std::get_if<CallsJob>(&job);
  if (performs) return calls != nullptr && !calls->heads.empty();
  return runs_events(job) || std::holds_alternative<AwakenJob>(job);
}

}  // namespace

void Dispatcher::assign(const std::string& handler, std::span<const std::int32_t> partitions) {
  for (const std::int32_t partition : partitions) {
    const LaneId id{handler, partition};
    auto [slot, fresh] = slots_.try_emplace(id);
    if (fresh) {
      slot->second.lane =
          std::make_unique<Lane>(id, handlers_.at(handler).limits, ++lanes_made_ << 32);
    } else {
      slot->second.lane->forget("assigned anew");
      slot->second.revoked = false;
      slot->second.dropped = false;
    }
  }
  handles_[handler].answer_due = true;
}

void Dispatcher::revoke(const std::string& handler, std::span<const std::int32_t> partitions) {
  for (const std::int32_t partition : partitions) {
    const auto slot = slots_.find({handler, partition});
    if (slot == slots_.end()) continue;
    slot->second.revoked = true;
    give_up(notes_.drop(slot->first), kGoes);
  }
}

void Dispatcher::revoke_all(const std::string& handler) {
  for (auto& [id, slot] : slots_) {
    if (id.handler != handler) continue;
    slot.revoked = true;
    give_up(notes_.drop(id), kGoes);
  }
}

bool Dispatcher::quiescent(const std::string& handler) const {
  return std::none_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    return entry.first.handler == handler && entry.second.revoked && !entry.second.lane->let_go();
  });
}

void Dispatcher::drop_revoked(const std::string& handler) {
  // One that is busy beyond the deadline stays until its job ends; it is fenced by then, or commits
  // before its successor takes the lane: both are right.
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    const bool theirs = slot->first.handler == handler && slot->second.revoked;
    slot->second.dropped |= theirs;
    slot = theirs && !slot->second.lane->busy() ? slots_.erase(slot) : std::next(slot);
  }
  handles_[handler] = {};
}

std::optional<Work> Dispatcher::next_work(const Moment& now) {
  if (slots_.empty()) return std::nullopt;
  const Occupation others = occupation(now);
  auto slot = slots_.upper_bound(turn_);
  for (std::size_t seen = 0; seen < slots_.size(); ++seen, ++slot) {
    if (slot == slots_.end()) slot = slots_.begin();
    Lane& lane = *slot->second.lane;
    if (lane.busy()) continue;
    Gate gate = gate_of(slot->first.handler, now);
    const bool suspects = lane.runs_suspects(now);
    gate.occupied = others.suspects_running || others.mark_in_doubt ||
                    (suspects ? others.running : others.suspects_waiting);
    auto job = slot->second.revoked ? lane.last_job(now) : lane.next_job(now, gate);
    if (!job) continue;
    turn_ = slot->first;
    slot->second.runs_events = runs_events(*job);
    slot->second.runs_suspects = slot->second.runs_events && suspects;
    slot->second.pausable = pausable(*job, handlers_.at(slot->first.handler).limits.performs);
    if (slot->second.runs_events) admit(slot->second, slot->first, now.at);
    if (const auto* calls = std::get_if<CallsJob>(&*job))
      permit_calls(slot->second, slot->first.handler, calls->heads.size(), now.at);
    return Work{slot->first, lane.generation(), std::move(*job)};
  }
  return std::nullopt;
}

// Suspects run before anything else, so that they wait for nobody for long.
Dispatcher::Occupation Dispatcher::occupation(const Moment& now) {
  Occupation found;
  for (const auto& [id, slot] : slots_) {
    found.running |= slot.lane->busy() && slot.runs_events;
    found.suspects_running |= slot.lane->busy() && slot.runs_suspects;
    if (slot.revoked) continue;
    found.mark_in_doubt |= slot.lane->mark_in_doubt();
    if (!slot.lane->runs_suspects(now)) continue;
    const Gate gate = gate_of(id.handler, now);
    const bool paused = gate.paused && !handlers_.at(id.handler).limits.performs;
    found.suspects_waiting |= !gate.shut && !paused;
  }
  return found;
}

Gate Dispatcher::gate_of(const std::string& handler, const Moment& now) {
  const HandlerLanes& own = handlers_.at(handler);
  Gate gate;
  gate.commits = commits_;
  gate.paused = paused(handler, now);
  for (const std::string& name : own.dependencies) {
    const Breaker& breaker = breakers_.of(name);
    gate.shut |= !breaker.allows(now.at);
    gate.probe |= breaker.state(now.at) != BreakerState::closed;
  }
  if (own.limits.performs) gate.calls = calls_allowed(handler, own, gate, now.at);
  return gate;
}

void Dispatcher::admit(Slot& slot, const LaneId& lane, Instant now) {
  slot.permits.clear();
  // Admission calls nobody.
  if (handlers_.at(lane.handler).limits.performs) return;
  for (const std::string& name : handlers_.at(lane.handler).dependencies) {
    const auto permit = breakers_.of(name).admit(now);
    SPOOL_ASSERT(permit.has_value(), "a job that its gate should have stopped");
    slot.permits.push_back(*permit);
  }
}

void Dispatcher::database_is_back() {
  for (auto& [id, slot] : slots_) slot.lane->database_is_back();
}

// A service is judged by the greater part of a batch: a few events that it refuses do not make it
// an outage.
void Dispatcher::judge(Slot& slot, const LaneId& lane, const Done& done, Instant now) {
  const auto* run = std::get_if<RunDone>(&done);
  if (run == nullptr) return;
  if (run->outcome) ++commits_;
  const auto permits = std::exchange(slot.permits, {});
  if (permits.empty()) return;
  const auto& names = handlers_.at(lane.handler).dependencies;
  const RunStatistics& statistics = run->statistics;
  for (std::size_t i = 0; i < permits.size(); ++i) {
    Breaker& breaker = breakers_.of(names[i]);
    const auto failures = std::count(statistics.dependencies_failed.begin(),
                                     statistics.dependencies_failed.end(), names[i]);
    if (!run->outcome || statistics.asked == 0) {
      breaker.abandon(permits[i]);
    } else if (failures * 2 >= statistics.records) {
      breaker.failed(permits[i], now, static_cast<std::size_t>(failures));
    } else {
      breaker.succeeded(permits[i], now);
    }
  }
}

// What lies in the past waits for the end of somebody's job, which wakes everybody.
std::optional<Instant> Dispatcher::wake_at(const Moment& now) const {
  std::optional<Instant> earliest;
  const auto at = [&](const std::optional<Instant>& when) {
    if (when && *when > now.at && (!earliest || *when < *earliest)) earliest = when;
  };
  for (const auto& [id, slot] : slots_) {
    if (slot.revoked) continue;
    at(slot.lane->wake_at(now));
    for (const std::string& name : handlers_.at(id.handler).dependencies) {
      if (const Breaker* breaker = breakers_.find(name)) at(breaker->wake_at());
    }
  }
  for (const auto& [handler, own] : handlers_) {
    const bool waits = own.budget != nullptr && calls_under_way(handler) < own.calls_max;
    if (waits && !paused(handler, now) && heads_due(handler, now)) at(own.budget->next_at(now.at));
  }
  for (const auto& [handler, decided] : switches_) {
    if (decided.paused && decided.until) at(now.when(*decided.until));
  }
  return earliest;
}

HandOver Dispatcher::finish(Work work, Done done, Instant now) {
  const auto found = slots_.find(work.lane);
  SPOOL_ASSERT(found != slots_.end(), "a busy lane is never dropped");
  Slot& slot = found->second;
  judge(slot, work.lane, done, now);
  HandOver over;
  begin_calls(work, done, slot);
  finish_job(*slot.lane, work, done, now, over);
  if (slot.revoked) give_up(notes_.drop(work.lane), kGoes);
  if (rest_awaited_.contains(work.lane.handler) && rests_at(work.lane.handler)) {
    rest_awaited_.erase(work.lane.handler);
    over.at_rest = true;
  }
  if (slot.dropped) {
    slots_.erase(found);
    over.publish.reset();
  }
  return over;
}

void Dispatcher::finish_job(Lane& lane, Work& work, Done& done, Instant now, HandOver& over) {
  if (auto* take = std::get_if<TakeDone>(&done)) {
    lane.finish_take(std::move(take->outcome), now);
  } else if (auto* run = std::get_if<RunDone>(&done)) {
    if (auto* apply = std::get_if<ApplyJob>(&work.job)) {
      lane.finish_apply(std::move(*apply), run->outcome, now);
    } else if (auto* calls = std::get_if<CallsJob>(&work.job)) {
      lane.finish_calls(std::move(*calls), run->outcome, now);
    } else if (std::holds_alternative<AwakenJob>(work.job)) {
      lane.finish_awaken(std::move(run->outcome), now);
    } else {
      lane.finish_drain(run->outcome, now);
    }
  } else if (auto* open = std::get_if<OpenDone>(&done)) {
    if (auto* companions = std::get_if<CompanionsJob>(&work.job)) {
      lane.finish_companions(std::move(*companions), std::move(open->outcome), now);
    } else if (const auto* command = std::get_if<CommandJob>(&work.job)) {
      lane.finish_command(*command, std::move(open->outcome), now);
    } else {
      lane.finish_awaken(std::move(open->outcome), now);
    }
  } else if (auto* read = std::get_if<ReadOutboxDone>(&done)) {
    finish_read(lane, work, std::move(read->outcome), now, over);
  } else if (auto* settle = std::get_if<SettleOutboxDone>(&done)) {
    lane.finish_settle_outbox(std::move(std::get<SettleOutboxJob>(work.job)),
                              std::move(settle->outcome), now);
  } else if (auto* mark = std::get_if<MarkStoppedDone>(&done)) {
    lane.finish_mark_stopped(mark->outcome, now);
  } else {
    lane.finish_let_go();
  }
}

void Dispatcher::finish_read(Lane& lane, const Work& work,
                             base::Result<std::vector<OutboxRow>> outcome, Instant now,
                             HandOver& over) {
  if (!outcome) return lane.finish_read_outbox(outcome.failure(), now);
  const std::size_t rows = outcome->size();
  lane.finish_read_outbox(rows, now);
  const bool still_ours = lane.generation() == work.generation;
  if (still_ours && rows > 0)
    over.publish = ToPublish{work.lane, work.generation, std::move(*outcome)};
}

void Dispatcher::published(const LaneId& id, std::uint64_t generation, std::int64_t number,
                           const base::Status& outcome, Instant now) {
  if (Lane* lane = find(id)) lane->published(generation, number, outcome, now);
}

std::optional<std::vector<Placement>> Dispatcher::placement(const std::string& handler, Instant now,
                                                            std::chrono::milliseconds patience) {
  Handle& handle = handles_[handler];
  std::size_t untaken = 0;
  std::size_t unplaced = 0;
  for (const auto& [id, slot] : slots_) {
    if (id.handler != handler || slot.revoked) continue;
    untaken += slot.lane->phase() == LanePhase::untaken ? 1 : 0;
    unplaced += slot.lane->phase() == LanePhase::unplaced ? 1 : 0;
  }
  if (unplaced == 0 && !handle.answer_due) return std::nullopt;
  if (!handle.waiting_since) handle.waiting_since = now;
  // An answer is owed even while nothing could be taken: without it the group cannot rebalance
  // again.
  if (untaken > 0 && now < *handle.waiting_since + patience) return std::nullopt;

  std::vector<Placement> placements;
  for (auto& [id, slot] : slots_) {
    if (id.handler != handler || slot.revoked) continue;
    const LanePhase phase = slot.lane->phase();
    if (phase != LanePhase::unplaced && phase != LanePhase::running) continue;
    placements.push_back({id.partition, slot.lane->place()});
  }
  handle = {};
  return placements;
}

std::vector<ClaimSeen> Dispatcher::claims() const {
  std::vector<ClaimSeen> claims;
  for (const auto& [id, slot] : slots_) {
    const bool owned =
        slot.lane->phase() != LanePhase::untaken && slot.lane->claim().token != base::Uuid{};
    if (!slot.revoked && owned && !slot.lane->busy()) claims.push_back({id, slot.lane->claim()});
  }
  return claims;
}

void Dispatcher::compare(std::span<const ClaimSeen> asked, std::span<const ClaimSeen> seen) {
  for (const ClaimSeen& question : asked) {
    Lane* lane = find(question.lane);
    if (lane == nullptr) continue;
    const auto answer = std::find_if(seen.begin(), seen.end(),
                                     [&](const ClaimSeen& s) { return s.lane == question.lane; });
    lane->compare(question.claim,
                  answer == seen.end() ? std::nullopt : std::optional<Claim>(answer->claim));
  }
}

void Dispatcher::set_commands(std::span<const LaneCommand> commands) {
  std::map<LaneId, std::vector<Command>> by_lane;
  for (const LaneCommand& command : commands) by_lane[command.lane].push_back(command.command);
  for (auto& [id, slot] : slots_) {
    if (!slot.revoked) slot.lane->set_commands(std::move(by_lane[id]));
  }
}

std::vector<LaneId> Dispatcher::owned() const {
  std::vector<LaneId> lanes;
  for_each([&](const Lane& lane) {
    if (lane.phase() != LanePhase::untaken) lanes.push_back(lane.id());
  });
  return lanes;
}

Lane* Dispatcher::find(const LaneId& lane) {
  const auto slot = slots_.find(lane);
  return slot == slots_.end() ? nullptr : slot->second.lane.get();
}

}  // namespace spool::delivery
