// One lane's transaction over the simulated database. Like PostgreSQL's, it does nothing more after
// a failed statement until a savepoint is rolled back to.
#pragma once

#include "tests/simulation/sim_store.hpp"

namespace spool::simulation {

class SimTransaction : public delivery::LaneTransaction {
 public:
  SimTransaction(delivery::LaneId lane, SimDatabase& database, SimBroker& broker, Faults& faults,
                 Connection& connection);
  ~SimTransaction() override;
  SimTransaction(const SimTransaction&) = delete;
  SimTransaction& operator=(const SimTransaction&) = delete;

  base::Status fence(const delivery::Claim& claim, const delivery::Advance* advance) override;
  base::Status advance(const delivery::Advance& advance) override;
  base::Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                           std::size_t last) override;
  base::Status savepoint() override;
  base::Status rollback_to_savepoint() override;
  base::Status release_savepoint() override;
  base::Result<std::int64_t> bury(std::span<const delivery::DeadLetter> letters) override;
  base::Status settle_outbox(std::span<const std::int64_t> published,
                             std::span<const delivery::RefusedRow> refused) override;
  base::Status commit(delivery::Durability durability) override;

 private:
  std::optional<base::Failure> trouble(bool own_statement);
  void remember_row();
  void move(const delivery::Advance& advance);
  base::Status commit_in_doubt(bool really, bool durable);
  void commit_now(bool durable);

  delivery::LaneId lane_;
  SimDatabase& database_;
  SimBroker& broker_;
  Faults& faults_;
  Connection& connection_;
  std::int64_t number_;
  bool aborted_ = false;
  std::vector<std::size_t> savepoints_;
  std::optional<delivery::Advance> position_later_;  // only with Plant::position_outside
};

}  // namespace spool::simulation
