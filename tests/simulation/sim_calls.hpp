// The handler `calls` of the simulation, which performs: its effect is what the service says. Its
// rows are in SimDatabase, its merging is by what its events' plans say.
#pragma once

#include <span>
#include <vector>

#include "engine/handler/perform.hpp"
#include "tests/simulation/sim_handler.hpp"
#include "tests/simulation/sim_service.hpp"

namespace spool::simulation {

class SimAdmissions final : public handler::Admissions {
 public:
  explicit SimAdmissions(const HandlerScene& scene) : scene_(scene) {}

  std::optional<message::Rejection> stage(const message::Event& event,
                                          const handler::Attempt& attempt) override;
  std::size_t size() const override { return items_.size(); }
  void clear() override { items_.clear(); }
  // Never used: a simulated transaction is no PostgreSQL connection.
  base::Result<handler::Admitted> admit(postgres::Transaction& transaction, std::size_t first,
                                        std::size_t last) override;

  base::Result<handler::Admitted> admit_to(SimDatabase& database, const delivery::LaneId& lane,
                                           std::size_t first, std::size_t last) const;

 private:
  struct Item {
    int serial = 0;
    int plan = 0;
    std::string list;
    message::Identity identity;
    handler::Attempt attempt;
  };

  bool known(const Item& item, const LaneTables& tables) const;
  handler::Admission once_more(const Item& item, SimDatabase& database,
                               const delivery::LaneId& lane) const;
  handler::Admission take_in(const Item& item, SimDatabase& database,
                             const delivery::LaneId& lane) const;
  void swallow(std::size_t eater, std::size_t first, SimDatabase& database,
               const delivery::LaneId& lane, handler::Admitted& admitted) const;

  HandlerScene scene_;
  std::vector<Item> items_;
};

class SimPerform final : public handler::PerformThenSettle {
 public:
  explicit SimPerform(const HandlerScene& scene) : scene_(scene) {}

  std::unique_ptr<handler::Admissions> make_admissions() const override {
    return std::make_unique<SimAdmissions>(scene_);
  }
  // Never used, as admit(); nor is anybody's caller made here.
  base::Result<handler::Opened> open(postgres::Transaction& transaction,
                                     std::span<const handler::Turn> turns) const override;
  base::Result<handler::SettledRows> settle(
      postgres::Transaction& transaction,
      std::span<const handler::Settling> settlings) const override;
  base::Result<std::unique_ptr<handler::Caller>> make_caller(
      handler::CallerTools tools) const override;

  handler::Opened open_to(SimDatabase& database, const delivery::LaneId& lane,
                          std::span<const handler::Turn> turns) const;
  handler::SettledRows settle_to(SimDatabase& database, const delivery::LaneId& lane,
                                 std::span<const handler::Settling> settlings) const;

 private:
  handler::Opening open_one(SimDatabase& database, const delivery::LaneId& lane,
                            const handler::Turn& turn) const;
  handler::CallPtr call_of(const CallRow& row, const delivery::LaneId& lane,
                           const handler::Turn& turn, base::EpochMicros now) const;

  HandlerScene scene_;
};

}  // namespace spool::simulation
