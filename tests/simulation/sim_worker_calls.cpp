// What a process does whose handler performs: it makes the calls that were begun, and tells the
// dispatcher how they ended. And how it ends in good order.
#include <algorithm>
#include <utility>

#include "tests/simulation/sim_worker.hpp"

namespace spool::simulation {

using delivery::LaneId;

base::Result<delivery::LaneMark> SimWorker::witnessed(const LaneId& lane) {
  if (scene_.faults.chance(scene_.swarm.unavailable))
    return base::Failure(base::FailureKind::unavailable, "no broker answers");
  return scene_.faults.planted(Plant::note_unread) ? delivery::LaneMark{}
                                                   : scene_.broker.group_note(lane);
}

// The group listens to its present members: not to one that it has taken partitions from since.
void SimWorker::tell_group(const std::string& handler) {
  if (stopping_ || scene_.faults.chance(scene_.swarm.unavailable)) return;
  if (news_.contains(handler) && !scene_.faults.planted(Plant::note_from_anybody)) return;
  std::vector<delivery::GroupNote> notes = dispatcher_.group_notes(handler);
  if (!scene_.faults.planted(Plant::calls_unnoted)) {
    for (const delivery::GroupNote& note : notes)
      scene_.broker.commit_group({handler, note.partition}, note.next, note.mark);
  }
  answered_.push_back({handler, std::move(notes)});
}

void SimWorker::hear_group() {
  if (answered_.empty()) return;
  const Answered answer = std::move(answered_.front());
  answered_.erase(answered_.begin());
  for (delivery::ToCall& calls : dispatcher_.noted(answer.handler, answer.taken, moment().at))
    hand_over(std::move(calls));
}

bool SimWorker::probing() const {
  const delivery::Breaker* breaker = dispatcher_.breakers().find(kService);
  return breaker != nullptr && breaker->state(moment().at) != delivery::BreakerState::closed;
}

void SimWorker::converse_with_group() {
  dispatcher_.drop_late_calls(kCalls, moment().at);
  for (const std::string& handler : scene_.swarm.handlers) tell_group(handler);
  while (!answered_.empty()) hear_group();
}

void SimWorker::hand_over(delivery::ToCall to_call) {
  for (delivery::CallToMake& made : to_call.calls) {
    if (made.permit_until)
      made.ticket.begin_by = std::min(made.ticket.begin_by, *made.permit_until);
    const bool probe = probes_.erase({to_call.lane, to_call.generation, made.number}) > 0;
    const CallOut out{to_call.lane, to_call.generation, made.number, made.asks, probe};
    newest_out_[{out.lane, out.number}] = out.generation;
    auto done = [this, out](handler::CallOutcome outcome) { hear(out, std::move(outcome)); };
    if (scene_.trace.on())
      note(std::string(made.asks ? "asks about" : "calls") + " head " +
           std::to_string(made.number) + " of " + to_text(out.lane));
    if (made.asks) {
      caller_.reconcile(std::move(made.call), made.ticket, std::move(done));
    } else {
      caller_.perform(std::move(made.call), made.ticket, std::move(done));
    }
  }
}

void SimWorker::hear(CallOut out, handler::CallOutcome outcome) {
  const Heard& told = caller_.told();
  if (scene_.trace.on())
    note("hears of head " + std::to_string(out.number) + " of " + to_text(out.lane) + ": outcome " +
         std::to_string(outcome.index()));
  // A probe that finds the service still away has not had its chance.
  const bool counts = told.truth.counts && !out.asks && !(out.probe && told.blames);
  const auto newest = newest_out_.find({out.lane, out.number});
  const bool of_another = newest != newest_out_.end() && newest->second != out.generation;
  if (of_another && scene_.faults.planted(Plant::end_of_another)) {
    std::swap(out.generation, newest->second);
  } else if (newest != newest_out_.end() && !of_another) {
    newest_out_.erase(newest);
  }
  const delivery::Lane* mine = dispatcher_.find(out.lane);
  if (mine != nullptr && mine->generation() == out.generation)
    process_.ends[out.lane][out.number] = {counts, told.truth.in_doubt, told.truth.marked_at};
  dispatcher_.call_ended(out.lane, out.generation, out.number, std::move(outcome), moment().at);
}

// If the group never hears of its marker, a call ends without having begun.
void SimWorker::note_begun(const LaneId& lane, std::uint64_t generation,
                           const std::vector<delivery::BegunCall>& begun, bool probe) {
  const delivery::Lane* mine = dispatcher_.find(lane);
  for (const delivery::BegunCall& call : begun) {
    if (probe) probes_.insert({lane, generation, call.number});
    if (mine == nullptr || mine->generation() != generation) continue;
    const auto& facts = dynamic_cast<const SimCall&>(*call.call).facts;
    process_.ends[lane][call.number] = {false, call.asks, facts.marked_at};
  }
}

// What the transaction of a job with ends must agree with.
void SimWorker::note_settling(const delivery::Work& work) {
  const auto* calls = std::get_if<delivery::CallsJob>(&work.job);
  if (calls == nullptr) return;
  Settling& settling = process_.settling[work.lane];
  for (const delivery::CallEnd& end : calls->ends)
    settling[end.number] = process_.ends.at(work.lane).at(end.number);
}

void SimWorker::stop() {
  if (std::exchange(stopping_, true)) return;
  if (scene_.trace.on()) note("stops for good");
  dispatcher_.stop_calls();
  for (const std::string& handler : scene_.swarm.handlers) dispatcher_.revoke_all(handler);
}

bool SimWorker::stopped() const {
  return stopping_ && caller_.empty() &&
         std::all_of(scene_.swarm.handlers.begin(), scene_.swarm.handlers.end(),
                     [this](const std::string& name) { return dispatcher_.quiescent(name); });
}

}  // namespace spool::simulation
