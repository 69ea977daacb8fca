// Whether the log still has the position that the database remembers (rule 2). A lane whose
// position is gone must not go on: what is missing would be skipped, or a stranger's records taken
// for ours. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/delivery/ports.hpp"

namespace spool::delivery {

// Where to fetch from: the last record that was applied, to compare its timestamp, wherever that
// can be done. Gaps may stand between it and `next`.
struct FetchPlan {
  std::int64_t from = 0;
  std::optional<std::int64_t> probe_timestamp_ms;  // the record at `from` must carry it
};

// Says what is wrong, or nothing.
std::optional<std::string> position_lost(const LaneState& state, const LogBounds& bounds);

FetchPlan plan_fetch(const LaneState& state, const LogBounds& bounds);

}  // namespace spool::delivery
