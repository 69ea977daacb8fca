#include "tests/simulation/sim_service.hpp"

#include <algorithm>

namespace spool::simulation {
namespace {

using base::EpochMicros;
using message::ErrorType;

handler::CallFailed failure(ErrorType type, bool in_doubt) {
  handler::CallFailed failed;
  failed.why.type = type;
  failed.why.text = "as the service pleases";
  failed.in_doubt = in_doubt;
  return failed;
}

}  // namespace

Heard SimService::trouble(EpochMicros at, ErrorType type, bool in_doubt) const {
  handler::CallFailed failed = failure(type, in_doubt);
  failed.why.dependency = kService;
  return {at, std::move(failed), {true, in_doubt}, true};
}

// Nobody calls, or asks, while an earlier call of the key may still have its effect.
void SimService::begins(const SimCall& call, bool asks) {
  for (const UnderWay& other : under_way_) {
    // What was called before a restore is not remembered by those who swallow it.
    const bool known =
        other.facts.restores == checks_.restores() || other.facts.event == call.facts.event;
    const bool of_key = other.facts.lane == call.facts.lane && other.facts.key == call.facts.key;
    if (known && of_key && other.over_at > database_.time)
      throw Violation(call.facts.event.id + (asks ? " is asked about" : " is called") +
                      " while the call of " + other.facts.event.id + " is not over");
  }
  checks_.begins(call.facts, asks);
}

// What the service makes of a request that has reached it.
Heard SimService::answer(const SimCall& call, EpochMicros at, std::optional<EpochMicros>& effect) {
  const Plan& plan = broker_.plan(call.facts.plan);
  const Verdict should =
      verdict(plan, call.facts.life, call.facts.attempt, database_.time, faults_.service_down);
  if (should.kind == Verdict::Kind::applies) return {at, handler::Performed{}};
  effect.reset();
  handler::CallFailed failed = failure(should.type, false);
  if (should.not_before) failed.retry_after = std::chrono::milliseconds(plan.pause_ms);
  const bool waits = should.type == ErrorType::upstream_auth;
  const bool blames = plan.nature == Nature::needs_service;
  if (blames) failed.why.dependency = kService;
  return {at, std::move(failed), {!waits, false}, blames};
}

Heard SimService::perform(const SimCall& call, EpochMicros end_by) {
  begins(call, false);
  const EpochMicros now = database_.time;
  const auto room = static_cast<int>(std::max<EpochMicros>(2, end_by - now));
  const bool in_time = !faults_.on || random_.chance(700);
  const EpochMicros at = now + random_.between(2, in_time ? std::min(room, 20'000) : room);
  std::optional<EpochMicros> effect = now + random_.between(1, static_cast<int>(at - now) - 1);
  const Swarm& swarm = faults_.swarm;
  const auto strikes = [&](int rate) { return faults_.on && random_.chance(rate); };
  Heard heard;
  if (strikes(swarm.call_refused)) {
    effect.reset();
    heard = trouble(at, ErrorType::upstream_network, false);
  } else if (strikes(swarm.call_lost)) {
    effect.reset();
    heard = trouble(end_by, ErrorType::upstream_timeout, true);
  } else {
    heard = answer(call, at, effect);
    if (strikes(swarm.answer_cut)) heard = trouble(at, ErrorType::upstream_network, true);
    if (strikes(swarm.answer_unheard)) heard = trouble(end_by, ErrorType::upstream_timeout, true);
  }
  // The planted bug: it goes on when its time is up.
  if (effect && faults_.planted(Plant::calls_overrun)) *effect += 3'000'000;
  under_way_.push_back({call.facts, heard.at, effect});
  return heard;
}

Heard SimService::reconcile(const SimCall& call, EpochMicros end_by) {
  begins(call, true);
  const EpochMicros now = database_.time;
  const auto room = static_cast<int>(std::max<EpochMicros>(2, end_by - now));
  const EpochMicros at = now + random_.between(1, std::min(room, 20'000));
  Heard heard{at, handler::HadNoEffect{}};
  if (checks_.has_effect(call.facts.event)) heard.outcome = handler::Performed{};
  const bool away = faults_.service_down && random_.chance(500);
  const bool failed = faults_.on && random_.chance(faults_.swarm.ask_failed);
  if (away || failed) {
    heard = trouble(at, ErrorType::upstream_timeout, false);
    heard.truth = {false, true};
    if (faults_.planted(Plant::vain_asking_clears)) heard.outcome = handler::HadNoEffect{};
  }
  return heard;
}

void SimService::run() {
  if (under_way_.empty()) return;
  std::vector<UnderWay*> due;
  for (UnderWay& call : under_way_) {
    if (call.effect_at && *call.effect_at <= database_.time) due.push_back(&call);
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const auto* a, const auto* b) { return *a->effect_at < *b->effect_at; });
  for (UnderWay* call : due) {
    call->effect_at.reset();
    if (faults_.trace.on()) faults_.trace.add("the service performs " + call->facts.event.id);
    checks_.effect(call->facts);
  }
  std::erase_if(under_way_, [&](const UnderWay& call) {
    return !call.effect_at && call.over_at <= database_.time;
  });
}

}  // namespace spool::simulation
