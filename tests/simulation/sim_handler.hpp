// The handlers of the simulation: `ledger`, whose table is unique on (source, id); `natural`, a
// monotone upsert; `inbox`, whose table takes whatever it is given. What their events do says
// sim_event.hpp. Their batches are applied by SimTransaction. The one that performs: sim_calls.hpp.
#pragma once

#include <vector>

#include "engine/handler/handler.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

class SimService;

// What a handler sees of its surroundings. All references outlive it.
struct HandlerScene {
  const SimBroker& broker;
  Faults& faults;
  Process& process;
  Kills& kills;
  SimService& service;
};

// An event of this record and life ends the process that runs it.
[[noreturn]] void end_process(const HandlerScene& scene, int serial, std::int32_t life);

class SimBatch : public handler::Batch {
 public:
  explicit SimBatch(const HandlerScene& scene) : scene_(scene) {}

  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override;
  std::size_t size() const override { return items_.size(); }
  void clear() override { items_.clear(); }
  // Never used: a simulated transaction is no PostgreSQL connection.
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override;

  base::Result<handler::ApplyCounts> apply_to(SimDatabase& database, const delivery::LaneId& lane,
                                              std::size_t first, std::size_t last) const;

 private:
  struct Item {
    int serial = 0;
    int event = 0;
    message::Identity identity;
    handler::Attempt attempt;
  };

  void take_effect(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
                   handler::ApplyCounts& counts) const;
  bool upsert(const Plan& plan, SimDatabase& database, const delivery::LaneId& lane) const;

  HandlerScene scene_;
  std::vector<Item> items_;
};

handler::Handler make_sim_handler(const std::string& name, const HandlerScene& scene);

}  // namespace spool::simulation
