// delivery::Store over the simulated database: what one worker's connections do. Faults strike each
// statement; planted bugs live here too.
#pragma once

#include "engine/delivery/ports.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

// A worker's way to the database; broken by a crash or a cut, whole again after one failed
// statement.
struct Connection {
  bool broken = false;
};

class SimStore : public delivery::Store {
 public:
  SimStore(SimDatabase& database, SimBroker& broker, Faults& faults, Connection& connection)
      : database_(database), broker_(broker), faults_(faults), connection_(connection) {}

  // Topics of the simulation do not grow.
  base::Status admit(const delivery::LaneId&, const std::string&,
                     const delivery::LogBounds&) override {
    return {};
  }
  base::Result<delivery::LaneState> take(const delivery::LaneId& lane, const std::string& topic,
                                         std::int64_t earliest) override;
  base::Result<std::unique_ptr<delivery::LaneTransaction>> begin(
      const delivery::LaneId& lane) override;
  base::Result<std::vector<delivery::ClaimSeen>> claims(
      std::span<const delivery::LaneId> lanes) override;
  base::Result<std::vector<delivery::OutboxRow>> outbox(const delivery::LaneId& lane,
                                                        std::size_t rows_max) override;
  base::Status mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                            const std::string& reason, const std::string& detail) override;

 private:
  std::optional<base::Failure> trouble();
  // In doubt, and then either committed or not; else committed.
  base::Status commit(bool durable);
  delivery::LaneState state_of(const delivery::LaneId& lane);
  base::Uuid token_for(std::int64_t epoch);

  SimDatabase& database_;
  SimBroker& broker_;
  Faults& faults_;
  Connection& connection_;
};

}  // namespace spool::simulation
