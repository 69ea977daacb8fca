// The duties of handlers as spool.duties has them: when each is due, who may run it now, what came
// of it. Times are the database's. Used by the caller's thread on its connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

struct DutyPlan {
  std::string handler;
  std::string duty;
  std::chrono::milliseconds every;
};

struct DutyState {
  std::chrono::milliseconds due_in{0};            // 0: now
  std::optional<base::EpochMicros> done_at = {};  // the last run that went well
};

// The right to run it once, until the end of the transaction.
struct DutyTurn {
  std::int64_t version = 0;
  base::EpochMicros now = 0;
};

struct DutyResult {
  std::int64_t rows = 0;
  std::int64_t events = 0;
  bool more = false;
};

// In the order of `plans`; a duty that nobody has heard of is written down, and due.
base::Result<std::vector<DutyState>> look_at_duties(postgres::Connection& connection,
                                                    std::span<const DutyPlan> plans);

// Empty: it is not due any more, or somebody runs it at this moment.
base::Result<std::optional<DutyTurn>> take_duty(postgres::Transaction& transaction,
                                                const DutyPlan& plan);
// In the transaction of the turn, before its commit.
base::Status finish_duty(postgres::Transaction& transaction, const DutyPlan& plan,
                         const DutyResult& result, const std::string& owner);
// After the rollback: it is due again after a pause that doubles with each failure. Does nothing if
// somebody has run it since.
base::Status fail_duty(postgres::Connection& connection, const DutyPlan& plan, const DutyTurn& turn,
                       const std::string& error, const std::string& owner);

// For operators, by name.
struct DutyInfo {
  std::string duty;
  std::optional<base::EpochMicros> last_run_at;
  std::optional<base::EpochMicros> done_at;
  std::int64_t rows = 0;  // of that run
  std::int64_t events = 0;
  std::int64_t failures = 0;  // since
  std::string last_error;     // empty: the last run went well
  std::string owner;          // of the last run
};
base::Result<std::vector<DutyInfo>> handler_duties(postgres::Connection& connection,
                                                   const std::string& handler);

}  // namespace spool::store
