// Which call fails, and how. One for the whole world; switched off for the phase in which
// everything must come to rest.
#pragma once

#include <optional>

#include "engine/base/result.hpp"
#include "tests/simulation/plant.hpp"
#include "tests/simulation/sim_random.hpp"
#include "tests/simulation/swarm.hpp"
#include "tests/simulation/trace.hpp"

namespace spool::simulation {

struct Faults {
  Random& random;
  const Swarm& swarm;
  Trace& trace;
  Plant plant = Plant::none;
  bool on = true;
  bool database_down = false;
  bool service_down = false;  // that some events need

  bool chance(int per_mille) { return on && random.chance(per_mille); }
  bool planted(Plant which) const { return plant == which; }
  // The failure of a statement, if it fails.
  std::optional<base::Failure> strike();
};

}  // namespace spool::simulation
