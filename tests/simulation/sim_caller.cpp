#include "tests/simulation/sim_caller.hpp"

#include <utility>

namespace spool::simulation {
namespace {

using base::EpochMicros;
using delivery::Instant;

constexpr int kLeaveAtOnce = 600;  // per thousand
constexpr int kLeaveDying = 500;

}  // namespace

void SimCaller::add(handler::CallPtr call, const handler::Ticket& ticket, Done done, bool asks) {
  auto mine = std::dynamic_pointer_cast<const SimCall>(std::move(call));
  // The planted bug: nobody is asked.
  if (faults_.planted(Plant::doubt_calls_again)) asks = false;
  calls_.push_back({std::move(mine), ticket, std::move(done), asks, std::nullopt});
  if (random_.chance(kLeaveAtOnce)) leave(calls_.back());
}

void SimCaller::perform(handler::CallPtr call, const handler::Ticket& ticket, Done done) {
  add(std::move(call), ticket, std::move(done), false);
}

void SimCaller::reconcile(handler::CallPtr call, const handler::Ticket& ticket, Done done) {
  add(std::move(call), ticket, std::move(done), true);
}

EpochMicros SimCaller::database_time(Instant at) const {
  const delivery::Moment now = clock_();
  return now.database + std::chrono::duration_cast<std::chrono::microseconds>(at - now.at).count();
}

void SimCaller::leave(Pending& pending) {
  const delivery::Moment now = clock_();
  const SimCall& call = *pending.call;
  if (call.heard && !pending.asks) {
    pending.heard = call.heard;
    return;
  }
  const bool late = now.at > pending.ticket.begin_by && !faults_.planted(Plant::calls_begin_late);
  if (late || faults_.chance(faults_.swarm.call_declined)) {
    handler::NotBegun not_begun{late ? "too late" : "not now"};
    if (!late && random_.chance(300)) not_begun.retry_after = std::chrono::milliseconds(5);
    pending.heard = Heard{now.database, std::move(not_begun), {false, pending.asks}};
    if (faults_.planted(Plant::not_begun_fails)) {
      handler::CallFailed failed;
      failed.why.type = message::ErrorType::upstream_network;
      failed.why.dependency = kService;
      pending.heard->outcome = std::move(failed);
    }
    return;
  }
  const EpochMicros end_by = std::max(database_time(pending.ticket.end_by), now.database + 10);
  pending.heard = pending.asks ? service_.reconcile(call, end_by) : service_.perform(call, end_by);
  if (faults_.chance(faults_.swarm.call_deaf))
    pending.heard->at += 1'000 * random_.between(0, 2'500);
  auto* failed = std::get_if<handler::CallFailed>(&pending.heard->outcome);
  if (failed == nullptr) return;
  if (faults_.planted(Plant::lost_answer_fails)) failed->in_doubt = false;
  if (faults_.planted(Plant::last_doubt_fails) && call.last) failed->in_doubt = false;
}

// Whether it has ended.
bool SimCaller::step(std::size_t index) {
  Pending& pending = calls_[index];
  if (!pending.heard) {
    leave(pending);
    return false;
  }
  if (pending.heard->at > clock_().database) return false;
  const Done done = std::move(pending.done);
  told_ = std::move(*pending.heard);
  told_.truth.marked_at = pending.call->facts.marked_at;
  handler::CallOutcome outcome = told_.outcome;
  calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(index));
  done(std::move(outcome));
  return true;
}

void SimCaller::go_on() {
  if (!calls_.empty()) step(random_.below(calls_.size()));
}

void SimCaller::go_on_all() {
  for (std::size_t i = 0; i < calls_.size();) {
    if (!calls_[i].heard) leave(calls_[i]);
    if (!step(i)) ++i;
  }
}

std::optional<Instant> SimCaller::wake_at() const {
  std::optional<Instant> wake;
  const delivery::Moment now = clock_();
  for (const Pending& pending : calls_) {
    const Instant at = pending.heard ? now.when(pending.heard->at) : now.at;
    if (!wake || at < *wake) wake = at;
  }
  return wake;
}

void SimCaller::die() {
  for (Pending& pending : calls_) {
    if (!pending.heard && random_.chance(kLeaveDying)) leave(pending);
  }
  calls_.clear();
}

}  // namespace spool::simulation
