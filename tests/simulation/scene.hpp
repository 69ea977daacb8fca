// What all parts of a simulated world share.
#pragma once

#include <chrono>
#include <functional>

#include "engine/delivery/time.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"
#include "tests/simulation/sim_service.hpp"

namespace spool::simulation {

struct Scene {
  Random random;
  Swarm swarm;
  Random calls_random;  // for what concerns the handler that performs
  Trace trace;
  Faults faults;
  SimBroker broker;
  Kills kills;
  Checkers checkers;
  SimDatabase database;
  CallChecks call_checks;
  SimService service;
  int processes = 0;  // begun so far

  // Lets the other workers do something in the middle of what worker `busy` does.
  std::function<void(int busy)> interleave = [](int) {};
  std::function<void()> crash_database = [] {};

  Scene(std::uint64_t seed, Plant plant, bool traced)
      : random(seed),
        swarm(Swarm::draw(random)),
        calls_random(random.split(2)),
        trace(traced),
        faults{random, swarm, trace, plant},
        broker(random, swarm),
        checkers(broker, swarm, kills, trace),
        database(checkers),
        call_checks(database, broker),
        service(calls_random, faults, database, broker, call_checks) {
    checkers.watch(database, call_checks);
  }
  // A world as it is told.
  Scene(Swarm told, Plant plant)
      : random(1),
        swarm(std::move(told)),
        calls_random(random.split(2)),
        trace(true),
        faults{random, swarm, trace, plant},
        broker(random, swarm),
        checkers(broker, swarm, kills, trace),
        database(checkers),
        call_checks(database, broker),
        service(calls_random, faults, database, broker, call_checks) {
    checkers.watch(database, call_checks);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  void pass(std::chrono::microseconds time) {
    database.time += time.count();
    service.run();
  }
  // The same moment on a clock that shows no date.
  delivery::Instant now() const {
    return delivery::Instant(std::chrono::microseconds(database.time - kDatabaseTime));
  }
};

inline std::string to_text(const delivery::LaneId& lane) {
  return lane.handler + "/" + std::to_string(lane.partition);
}

}  // namespace spool::simulation
