// The part of a lane whose handler performs: records are admitted whatever the state of the service
// they need, heads are called as far as there is room, and what came back is settled.
#include <algorithm>
#include <utility>

#include "engine/delivery/lane.hpp"

namespace spool::delivery {

// What has been called is settled before the lane goes to somebody else; nothing more is begun.
std::optional<Job> Lane::last_job(const Moment& now) {
  if (busy_ || let_go_) return std::nullopt;
  const bool ours = phase_ != LanePhase::untaken && phase_ != LanePhase::stopped;
  if (!ours) {
    let_go_ = true;  // there is nothing to let go of
    return std::nullopt;
  }
  if (calls_.unsettled() > 0 && now.at < not_before_) return std::nullopt;
  std::optional<Job> job = calls_job(now.at, now.database, 0);
  if (!job && calls_.unsettled() > 0) return std::nullopt;
  if (!job) job = LetGoJob{claim_};
  busy_ = true;
  job_generation_ = generation_;
  return job;
}

// In turns: neither what is admitted nor what is called may starve the other.
std::optional<Job> Lane::choose_performing(const Moment& now, const Gate& gate) {
  if (gate.occupied) return std::nullopt;
  const std::int64_t allowed = valve_.events_allowed(now.at);
  const auto room = static_cast<std::size_t>(
      std::min<std::int64_t>(allowed, static_cast<std::int64_t>(limits_.batch_events_max)));
  const bool apply = may_apply() && now.at >= apply_not_before_ && room > 0;
  if (!(drained_last_ && apply)) {
    if (auto job = calls_job(now.at, now.database, std::min(gate.calls, room))) {
      drained_last_ = true;
      return job;
    }
  }
  drained_last_ = false;
  if (!apply) return std::nullopt;
  return apply_job(now, room, gate);
}

std::optional<Job> Lane::calls_job(Instant at, base::EpochMicros database, std::size_t calls_max) {
  CallsJob job;
  const std::size_t page = limits_.drain_events_max;
  if (calls_.ends_waiting()) job.ends = calls_.take_ends(page);
  const auto has_room = [this](const Held& held) {
    return held.group == KeyHash{} || calls_.of_group(held.group) < limits_.calls_of_group_max;
  };
  // What was admitted again must be merged first: later events tell what became of earlier ones.
  const bool forgotten = next_ < doubt_below_ && !no_room_;
  if (calls_max > 0 && !forgotten)
    job.heads = held_->due(database, std::min(calls_max, page), heads_given_, has_room);
  heads_given_ += job.heads.size();
  if (job.ends.empty() && job.heads.empty()) return std::nullopt;
  job.footing = footing(at, page);
  job.under_way = calls_.by_group();
  job.of_group_max = limits_.calls_of_group_max;
  return job;
}

void Lane::call_ended(CallEnd end) {
  calls_.ended(std::move(end));
}

void Lane::finish_calls(CallsJob job, const base::Result<Committed>& outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) {
    const std::uint64_t generation = generation_;
    failed(outcome.failure(), now);
    if (generation == generation_) calls_.put_back(std::move(job.ends));
    return;
  }
  succeeded();
  retake_backoff_.succeeded();
  take_in(*outcome);
  calls_.settled(job.ends);
  for (const BegunCall& call : outcome->begun) calls_.began(call);
  if (!outcome->begun.empty()) mark_ = {epoch_, claim_.seq};
  const bool any_outcome = outcome->deaths + outcome->survived > 0;
  if (any_outcome) valve_.settled(outcome->deaths, outcome->survived, now);
}

}  // namespace spool::delivery
