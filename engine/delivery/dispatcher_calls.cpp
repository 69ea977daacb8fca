// How many calls may be begun, what each needs before, and what its end says of the services.
#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/delivery/dispatcher.hpp"

namespace spool::delivery {

std::size_t Dispatcher::calls_under_way(const std::string& handler) const {
  const auto found = calls_.find(handler);
  return found == calls_.end() ? 0 : found->second;
}

std::size_t Dispatcher::calls_allowed(const std::string& handler, const HandlerLanes& own,
                                      const Gate& gate, Instant now) const {
  if (calls_stopped_ || gate.shut || gate.paused) return 0;
  const std::size_t under_way = calls_under_way(handler);
  std::size_t calls = under_way >= own.calls_max ? 0 : own.calls_max - under_way;
  if (own.budget != nullptr) calls = std::min(calls, own.budget->available(now));
  return gate.probe ? std::min<std::size_t>(calls, 1) : calls;
}

bool Dispatcher::heads_due(const std::string& handler, const Moment& now) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    return entry.first.handler == handler && !entry.second.revoked &&
           entry.second.lane->heads_due(now.database);
  });
}

// One for each head, before it is marked: what is marked can be called at once.
void Dispatcher::permit_calls(Slot& slot, const std::string& handler, std::size_t calls,
                              Instant now) {
  const HandlerLanes& own = handlers_.at(handler);
  std::vector<Instant> tokens;
  if (own.budget != nullptr && calls > 0) {
    // If all that there was is used, others probably wait: they are asked for too.
    const bool all = calls == own.budget->available(now);
    tokens = own.budget->take(all ? own.calls_max - calls_under_way(handler) : calls, now);
    while (tokens.size() > calls) {
      own.budget->give_back(tokens.back());
      tokens.pop_back();
    }
  }
  slot.calls.clear();
  for (std::size_t i = 0; i < calls; ++i) {
    CallPermit permit;
    permit.begin_by = now + own.call_grace;
    if (i < tokens.size()) permit.token = tokens[i];
    for (const std::string& name : own.dependencies) {
      Breaker& breaker = breakers_.of(name);
      permit.probe |= breaker.state(now) != BreakerState::closed;
      const auto given = breaker.admit(now);
      SPOOL_ASSERT(given.has_value(), "a call that its gate should have stopped");
      permit.permits.push_back(*given);
    }
    slot.calls.push_back(std::move(permit));
  }
  calls_[handler] += calls;
}

// Of heads that were not begun after all, the permits go back.
void Dispatcher::begin_calls(const Work& work, const Done& done, Slot& slot) {
  std::vector<CallPermit> permits = std::exchange(slot.calls, {});
  const std::string& handler = work.lane.handler;
  const auto* run = std::get_if<RunDone>(&done);
  const bool ours = !slot.dropped && slot.lane->generation() == work.generation;
  std::size_t used = 0;
  if (run != nullptr && run->outcome && ours && !run->outcome->begun.empty()) {
    const HandlerLanes& own = handlers_.at(handler);
    SPOOL_ASSERT(run->outcome->begun.size() <= permits.size(), "a call without a permit");
    ToCall to_call{work.lane, work.generation, {}};
    for (const BegunCall& call : run->outcome->begun) {
      CallPermit& permit = permits[used++];
      const Instant begin_by = permit.begin_by;
      CallToMake made{call.number, call.call, call.asks, {begin_by, begin_by + own.call_timeout}};
      // One that another thread has taken meanwhile is missing.
      if (own.budget != nullptr) made.permit_until = permit.token.value_or(Instant{});
      to_call.calls.push_back(std::move(made));
      under_way_.emplace(CallId{work.lane, work.generation, call.number},
                         UnderWay{std::move(permit), call.asks});
    }
    notes_.await(std::move(to_call), {slot.lane->epoch(), run->outcome->claim.seq});
  }
  for (std::size_t i = used; i < permits.size(); ++i) abandon(handler, permits[i]);
  if (!permits.empty()) calls_[handler] -= permits.size() - used;
}

std::vector<GroupNote> Dispatcher::group_notes(const std::string& handler) const {
  std::vector<GroupNote> notes;
  for (const auto& [id, slot] : slots_) {
    const Lane& lane = *slot.lane;
    if (id.handler != handler || slot.revoked || lane.phase() != LanePhase::running) continue;
    notes.push_back({id.partition, lane.next(), lane.mark()});
  }
  return notes;
}

std::vector<ToCall> Dispatcher::noted(const std::string& handler, std::span<const GroupNote> taken,
                                      Instant now) {
  std::vector<ToCall> free;
  for (const GroupNote& note : taken) {
    const LaneId id{handler, note.partition};
    const Lane* lane = find(id);
    for (ToCall& calls : notes_.noted(id, note.mark)) {
      if (lane != nullptr && lane->generation() == calls.generation) {
        return_void_permits(calls, now);
        free.push_back(std::move(calls));
      } else {
        give_up({std::move(calls)}, "the lane was lost");
      }
    }
  }
  return free;
}

// Of calls that waited for too long: they get others, and nobody has used these.
void Dispatcher::return_void_permits(const ToCall& calls, Instant now) {
  const HandlerLanes& own = handlers_.at(calls.lane.handler);
  for (const CallToMake& call : calls.calls) {
    auto& token = under_way_.at({calls.lane, calls.generation, call.number}).permit.token;
    if (token && *token <= now) own.budget->give_back(*std::exchange(token, std::nullopt));
  }
}

void Dispatcher::drop_late_calls(const std::string& handler, Instant now) {
  give_up(notes_.late(handler, now), "the group has not taken the number of their marker in time");
}

void Dispatcher::give_up(const std::vector<ToCall>& calls, const std::string& why) {
  for (const ToCall& some : calls) {
    for (const CallToMake& call : some.calls)
      call_ended(some.lane, some.generation, call.number, handler::NotBegun{why, {}}, Instant{});
  }
}

void Dispatcher::abandon(const std::string& handler, const CallPermit& permit) {
  const HandlerLanes& own = handlers_.at(handler);
  for (std::size_t i = 0; i < permit.permits.size(); ++i)
    breakers_.of(own.dependencies[i]).abandon(permit.permits[i]);
  if (permit.token) own.budget->give_back(*permit.token);
}

void Dispatcher::call_ended(const LaneId& id, std::uint64_t generation, std::int64_t number,
                            handler::CallOutcome outcome, Instant now) {
  const auto found = under_way_.find({id, generation, number});
  SPOOL_ASSERT(found != under_way_.end(), "the end of a call that nobody was handed");
  const UnderWay call = std::move(found->second);
  under_way_.erase(found);
  --calls_.at(id.handler);
  judge_call(id.handler, call.permit, outcome, now);
  Lane* lane = find(id);
  if (lane == nullptr || lane->generation() != generation) return;
  const auto* failed = std::get_if<handler::CallFailed>(&outcome);
  // The one that found out that the service is still away has not had its chance.
  const bool charged = failed == nullptr || failed->why.dependency.empty() || !call.permit.probe;
  lane->call_ended({number, std::move(outcome), call.asks, charged});
}

void Dispatcher::judge_call(const std::string& handler, const CallPermit& permit,
                            const handler::CallOutcome& outcome, Instant now) {
  if (std::holds_alternative<handler::NotBegun>(outcome)) return abandon(handler, permit);
  const auto* failed = std::get_if<handler::CallFailed>(&outcome);
  const auto& names = handlers_.at(handler).dependencies;
  for (std::size_t i = 0; i < permit.permits.size(); ++i) {
    Breaker& breaker = breakers_.of(names[i]);
    if (failed != nullptr && failed->why.dependency == names[i]) {
      breaker.failed(permit.permits[i], now);
    } else {
      breaker.succeeded(permit.permits[i], now);
    }
  }
}

}  // namespace spool::delivery
