// delivery::Store over the simulated database: what one process's connections do. Faults strike
// each statement; planted bugs live here too.
#pragma once

#include "engine/delivery/ports.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

class SimStore : public delivery::Store {
 public:
  SimStore(SimDatabase& database, SimBroker& broker, Faults& faults, Process& process)
      : database_(database), broker_(broker), faults_(faults), process_(process) {}

  // Topics of the simulation do not grow.
  base::Status admit(const delivery::LaneId&, const std::string&,
                     const delivery::LogBounds&) override {
    return {};
  }
  base::Result<delivery::LaneState> take(const delivery::LaneId& lane, const std::string& topic,
                                         std::int64_t earliest,
                                         const delivery::Witness& witness) override;
  base::Result<std::unique_ptr<delivery::LaneTransaction>> begin(
      const delivery::LaneId& lane) override;
  base::Result<std::vector<delivery::ClaimSeen>> claims(
      std::span<const delivery::LaneId> lanes) override;
  base::Result<std::vector<delivery::OutboxRow>> outbox(const delivery::LaneId& lane,
                                                        std::size_t rows_max) override;
  base::Result<std::vector<delivery::LaneCommand>> commands(
      std::span<const delivery::LaneId> lanes) override;
  base::Status mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                            const std::string& reason, const std::string& detail) override;

 private:
  std::optional<base::Failure> trouble();
  // In doubt, and then either committed or not; else committed.
  base::Status commit(bool durable);
  void suspect(const delivery::LaneId& lane, bool died);
  void doubt(const delivery::LaneId& lane, const delivery::Witness& witness);
  void count_end_alone(const delivery::LaneId& lane);
  delivery::LaneState state_of(const delivery::LaneId& lane);
  delivery::OpenSummary open_of(const delivery::LaneId& lane);
  base::Uuid token_for(std::int64_t epoch);

  SimDatabase& database_;
  SimBroker& broker_;
  Faults& faults_;
  Process& process_;
};

}  // namespace spool::simulation
