// Inside of this folder only: one transaction of one lane over one of PostgreSQL. The usual way of
// a batch is four round trips: BEGIN, fence with advance, the handler's statement, COMMIT.
#pragma once

#include <memory>
#include <optional>

#include "engine/delivery/ports.hpp"
#include "engine/postgres/transaction.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::store {

base::Failure fenced(const delivery::LaneId& lane);

class PgLaneTransaction : public delivery::LaneTransaction {
 public:
  PgLaneTransaction(std::unique_ptr<postgres::Transaction> transaction, delivery::LaneId lane,
                    const LaneContext& context);

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
  base::Status step(const postgres::Statement& statement, postgres::Params params);
  base::Status move(const delivery::Claim& claim, const postgres::Statement& statement,
                    const delivery::Advance& advance);

  std::unique_ptr<postgres::Transaction> transaction_;
  delivery::LaneId lane_;
  const LaneContext& context_;
  std::optional<delivery::Claim> owned_;  // the claim as this transaction left it
  base::EpochMicros now_ = 0;             // the transaction's time, known from the fence
  bool durable_ = false;                  // synchronous_commit is on already
};

}  // namespace spool::store
