// The service that the handler `calls` calls: it takes its time, answers or fails, and answers get
// lost. What has reached it happens, whatever became of whoever called. It can be asked whether an
// event has had its effect.
#pragma once

#include <optional>
#include <vector>

#include "engine/handler/perform.hpp"
#include "tests/simulation/call_checks.hpp"
#include "tests/simulation/faults.hpp"

namespace spool::simulation {

// When the caller hears, and what; by the database's clock.
struct Heard {
  base::EpochMicros at = 0;
  handler::CallOutcome outcome;
  CallTruth truth = {};
  bool blames = false;  // the service, for a failure
};

// What a call is to the simulation.
struct SimCall final : handler::Call {
  CallFacts facts;
  bool last = false;                // attempt of its life
  std::optional<Heard> heard = {};  // only with Plant::calls_before_commit
};

class SimService {
 public:
  // All references outlive it. Draws from a source of its own.
  SimService(Random& random, Faults& faults, const SimDatabase& database, const SimBroker& broker,
             CallChecks& checks)
      : random_(random), faults_(faults), database_(database), broker_(broker), checks_(checks) {}

  // A request leaves its process now; the effect, if any, comes by `end_by`.
  Heard perform(const SimCall& call, base::EpochMicros end_by);
  Heard reconcile(const SimCall& call, base::EpochMicros end_by);

  int restores() const { return checks_.restores(); }
  // Everything that is due by now has its effect.
  void run();

 private:
  struct UnderWay {
    CallFacts facts;
    base::EpochMicros over_at = 0;
    std::optional<base::EpochMicros> effect_at;
  };

  Heard answer(const SimCall& call, base::EpochMicros at, std::optional<base::EpochMicros>& effect);
  Heard trouble(base::EpochMicros at, message::ErrorType type, bool in_doubt) const;
  void begins(const SimCall& call, bool asks);

  Random& random_;
  Faults& faults_;
  const SimDatabase& database_;
  const SimBroker& broker_;
  CallChecks& checks_;
  std::vector<UnderWay> under_way_;
};

}  // namespace spool::simulation
