// What all parts of a simulated world share.
#pragma once

#include <functional>

#include "engine/delivery/time.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

struct Scene {
  Random random;
  Swarm swarm;
  Trace trace;
  Faults faults;
  SimBroker broker;
  Checkers checkers;
  SimDatabase database;
  delivery::Instant now{};

  // Lets the other workers do something in the middle of what worker `busy` does.
  std::function<void(int busy)> interleave;
  std::function<void()> crash_database;

  Scene(std::uint64_t seed, Plant plant, bool traced)
      : random(seed),
        swarm(Swarm::draw(random)),
        trace(traced),
        faults{random, swarm, trace, plant},
        broker(random, swarm),
        checkers(broker, swarm.retention > 0),
        database(checkers) {
    checkers.watch(database);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
};

inline std::string to_text(const delivery::LaneId& lane) {
  return lane.handler + "/" + std::to_string(lane.partition);
}

}  // namespace spool::simulation
