#include "engine/delivery/executor.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::delivery {

Executor::Executor(Store& store, Log& log, Probe& probe, std::map<std::string, Route> routes)
    : store_(store), log_(log), routes_(std::move(routes)), open_run_(store) {
  for (const auto& [name, route] : routes_) {
    runs_.emplace(name, std::make_unique<BatchRun>(store_, probe, route));
    if (route.handler->performs() != nullptr)
      calls_runs_.emplace(name, std::make_unique<CallsRun>(store_, probe, route));
  }
}

BatchRun& Executor::batch_run(const LaneId& lane) {
  const auto run = runs_.find(lane.handler);
  SPOOL_ASSERT(run != runs_.end(), "a lane of a handler that this worker does not serve");
  return *run->second;
}

Done Executor::run(const LaneId& lane, const Job& job, base::EpochMicros now) {
  struct Visitor {
    Executor& self;
    const LaneId& lane;
    base::EpochMicros now;

    Done operator()(const TakeJob&) const { return self.take(lane); }
    Done operator()(const ApplyJob& apply) const {
      return self.batch_run(lane).run(lane, apply, now);
    }
    Done operator()(const DrainJob& drain) const {
      return self.batch_run(lane).run(lane, drain, now);
    }
    Done operator()(const AwakenJob& awaken) const {
      if (self.routes_.at(lane.handler).handler->performs() != nullptr)
        return self.batch_run(lane).run(lane, awaken, now);
      return OpenDone{self.open_run_.run(lane, awaken, now)};
    }
    Done operator()(const CallsJob& calls) const {
      const auto run = self.calls_runs_.find(lane.handler);
      SPOOL_ASSERT(run != self.calls_runs_.end(), "a lane of a handler that does not perform");
      return run->second->run(lane, calls, now);
    }
    Done operator()(const CompanionsJob& companions) const {
      return OpenDone{self.open_run_.run(lane, companions, self.routes_.at(lane.handler), now)};
    }
    Done operator()(const CommandJob& command) const {
      if (command.command.kind == CommandKind::accept_loss) return self.accept_loss(lane, command);
      return OpenDone{self.open_run_.run(lane, command, self.routes_.at(lane.handler), now)};
    }
    Done operator()(const ReadOutboxJob& read) const {
      return ReadOutboxDone{self.store_.outbox(lane, read.rows_max)};
    }
    Done operator()(const SettleOutboxJob& settle) const { return self.settle(lane, settle); }
    Done operator()(const MarkStoppedJob& mark) const {
      return MarkStoppedDone{self.store_.mark_stopped(lane, mark.claim, mark.reason, mark.detail)};
    }
    Done operator()(const LetGoJob& go) const { return self.let_go(lane, go); }
  };
  return std::visit(Visitor{*this, lane, now}, job);
}

// The log is asked first: a lane without a row starts at its earliest offset.
TakeDone Executor::take(const LaneId& lane) {
  const Route& route = routes_.at(lane.handler);
  const std::string& topic = route.topic;
  auto bounds = log_.bounds(topic, lane.partition);
  if (!bounds) return {bounds.failure()};
  if (auto admitted = store_.admit(lane, topic, *bounds); !admitted) return {admitted.failure()};
  Witness witness{{}, bounds->high, call_length(route)};
  if (route.handler->performs() != nullptr) {
    auto witnessed = log_.witnessed(lane);
    if (!witnessed) return {witnessed.failure()};
    witness.mark = *witnessed;
  }
  auto state = store_.take(lane, topic, bounds->low, witness);
  if (!state) return {state.failure()};
  if (state->next > bounds->high) {
    // The owner before us may have gone on since: the log is longer now, and nothing is lost.
    bounds = log_.bounds(topic, lane.partition);
    if (!bounds) return {bounds.failure()};
  }
  return {Taken{std::move(*state), *bounds}};
}

OpenDone Executor::accept_loss(const LaneId& lane, const CommandJob& job) {
  auto bounds = log_.bounds(routes_.at(lane.handler).topic, lane.partition);
  if (!bounds) return {bounds.failure()};
  return {open_run_.accept_loss(lane, job, *bounds)};
}

SettleOutboxDone Executor::settle(const LaneId& lane, const SettleOutboxJob& job) {
  auto begun = store_.begin(lane);
  if (!begun) return {begun.failure()};
  LaneTransaction& transaction = **begun;
  if (auto fenced = transaction.fence(job.claim, nullptr); !fenced) return {fenced.failure()};
  if (auto settled = transaction.settle_outbox(job.published, job.refused); !settled)
    return {settled.failure()};
  if (auto done = transaction.commit(Durability::relaxed); !done) return {done.failure()};
  return {Claim{job.claim.token, job.claim.seq + 1}};
}

LetGoDone Executor::let_go(const LaneId& lane, const LetGoJob& job) {
  auto begun = store_.begin(lane);
  if (!begun) return {begun.failure()};
  LaneTransaction& transaction = **begun;
  if (auto fenced = transaction.fence(job.claim, nullptr); !fenced) return {fenced};
  if (auto gone = transaction.let_go(); !gone) return {gone};
  return {transaction.commit(Durability::relaxed)};
}

}  // namespace spool::delivery
