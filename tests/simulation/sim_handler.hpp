// Two handlers over the simulated tables: `ledger`, whose table is unique on (source, id) and keeps
// the order in which events took effect, and `natural`, a monotone upsert. Their batches are
// applied by SimTransaction.
#pragma once

#include <vector>

#include "engine/handler/handler.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

class SimBatch : public handler::Batch {
 public:
  explicit SimBatch(bool ledger) : ledger_(ledger) {}

  std::optional<message::Rejection> stage(const message::Event& event,
                                          base::EpochMicros now) override;
  std::size_t size() const override { return items_.size(); }
  void clear() override { items_.clear(); }
  // Never used: a simulated transaction is no PostgreSQL connection.
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override;

  base::Result<handler::ApplyCounts> apply_to(SimDatabase& database, const delivery::LaneId& lane,
                                              std::size_t first, std::size_t last) const;

 private:
  struct Item {
    int number = 0;
    int key = 0;
    int version = 0;
    int flaw = 0;
  };

  void record(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
              handler::ApplyCounts& counts) const;
  void upsert(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
              handler::ApplyCounts& counts) const;

  bool ledger_;
  std::vector<Item> items_;
};

handler::Handler make_sim_handler(const std::string& name);

}  // namespace spool::simulation
