#include "engine/delivery/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {

void Dispatcher::assign(const std::string& handler, std::span<const std::int32_t> partitions) {
  for (const std::int32_t partition : partitions) {
    const LaneId id{handler, partition};
    auto [slot, fresh] = slots_.try_emplace(id);
    if (fresh) {
      slot->second.lane = std::make_unique<Lane>(id, limits_, ++lanes_made_ << 32);
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
    if (slot != slots_.end()) slot->second.revoked = true;
  }
}

void Dispatcher::revoke_all(const std::string& handler) {
  for (auto& [id, slot] : slots_) {
    if (id.handler == handler) slot.revoked = true;
  }
}

bool Dispatcher::quiescent(const std::string& handler) const {
  return std::none_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    return entry.first.handler == handler && entry.second.revoked && entry.second.lane->busy();
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

std::optional<Work> Dispatcher::next_work(Instant now) {
  if (slots_.empty()) return std::nullopt;
  auto slot = slots_.upper_bound(turn_);
  for (std::size_t seen = 0; seen < slots_.size(); ++seen, ++slot) {
    if (slot == slots_.end()) slot = slots_.begin();
    if (slot->second.revoked) continue;
    if (auto job = slot->second.lane->next_job(now)) {
      turn_ = slot->first;
      return Work{slot->first, slot->second.lane->generation(), std::move(*job)};
    }
  }
  return std::nullopt;
}

std::optional<Instant> Dispatcher::wake_at() const {
  std::optional<Instant> earliest;
  for (const auto& [id, slot] : slots_) {
    if (slot.revoked) continue;
    const auto at = slot.lane->wake_at();
    if (at && (!earliest || *at < *earliest)) earliest = at;
  }
  return earliest;
}

std::optional<ToPublish> Dispatcher::finish(Work work, Done done, Instant now) {
  Lane* lane = find(work.lane);
  SPOOL_ASSERT(lane != nullptr, "a busy lane is never dropped");
  std::optional<ToPublish> to_publish;
  if (auto* take = std::get_if<TakeDone>(&done)) {
    lane->finish_take(std::move(take->outcome), now);
  } else if (auto* apply = std::get_if<ApplyDone>(&done)) {
    lane->finish_apply(std::move(std::get<ApplyJob>(work.job)), std::move(apply->outcome), now);
  } else if (auto* read = std::get_if<ReadOutboxDone>(&done)) {
    if (read->outcome) {
      const std::size_t rows = read->outcome->size();
      lane->finish_read_outbox(rows, now);
      const bool still_ours = lane->generation() == work.generation;
      if (still_ours && rows > 0)
        to_publish = ToPublish{work.lane, work.generation, std::move(*read->outcome)};
    } else {
      lane->finish_read_outbox(read->outcome.failure(), now);
    }
  } else if (auto* settle = std::get_if<SettleOutboxDone>(&done)) {
    lane->finish_settle_outbox(std::move(std::get<SettleOutboxJob>(work.job)),
                               std::move(settle->outcome), now);
  } else {
    lane->finish_mark_stopped(std::get<MarkStoppedDone>(done).outcome, now);
  }
  if (slots_.at(work.lane).dropped) {
    slots_.erase(work.lane);
    return std::nullopt;
  }
  return to_publish;
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

Lane* Dispatcher::find(const LaneId& lane) {
  const auto slot = slots_.find(lane);
  return slot == slots_.end() ? nullptr : slot->second.lane.get();
}

}  // namespace spool::delivery
