// Whether the books of the lanes balance (rule 12): their counters against their rows, and the
// trace of their batches against itself. Reading only, one statement a check, each of one moment.
// Looks through all batches of the window.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

struct LedgerFinding {
  delivery::LaneId lane;
  std::string what;  // open, dead, position, chain, batch, or the counter that does not add up
  std::int64_t from_offset = -1;  // the offsets it is about; -1: all of the lane
  std::int64_t to_offset = -1;
  std::int64_t expected = 0;
  std::int64_t found = 0;
};

struct LedgerReport {
  std::vector<LedgerFinding> findings;
  std::map<delivery::LaneId, std::int64_t> uncovered;  // of every lane: 0 if its books balance
};

// `window`: batches older than that may be gone already.
base::Result<LedgerReport> audit_ledger(postgres::Connection& connection,
                                        std::chrono::milliseconds window);

}  // namespace spool::store
