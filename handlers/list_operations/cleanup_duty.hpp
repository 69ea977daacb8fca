// Removes operations that ended long ago, and leaves a tombstone of each, so that a copy of its
// event is still told from a new one; removes tombstones that are older than any copy can be. A
// little every hour rather than a day's worth at once. Lists stay, also those that are gone: a
// later event may name them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/handler/duty.hpp"

namespace spool::list_operations {

struct CleanupSettings {
  std::chrono::milliseconds operations = std::chrono::hours(24 * 30);   // kept after their end
  std::chrono::milliseconds tombstones = std::chrono::hours(24 * 400);  // whole days
  std::int64_t rows_max = 5'000;                                        // of each, in one run
};

class CleanupDuty final : public handler::Duty {
 public:
  explicit CleanupDuty(CleanupSettings settings) : settings_(settings) {}

  std::string name() const override { return "cleanup"; }
  std::chrono::milliseconds every() const override { return std::chrono::hours(1); }
  base::Result<handler::DutyDone> run(postgres::Transaction& transaction) override;

 private:
  CleanupSettings settings_;
};

}  // namespace spool::list_operations
