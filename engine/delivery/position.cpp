#include "engine/delivery/position.hpp"

namespace spool::delivery {

std::optional<std::string> position_lost(const LaneState& state, const LogBounds& bounds) {
  const std::string next = std::to_string(state.next);
  if (state.next < bounds.low) {
    return "next offset " + next + " is below the log's first offset " +
           std::to_string(bounds.low) + ": retention removed records that were never applied";
  }
  if (state.next > bounds.high) {
    return "next offset " + next + " is beyond the log's end " + std::to_string(bounds.high) +
           ": the topic was recreated, or the cluster lost records";
  }
  return std::nullopt;
}

FetchPlan plan_fetch(const LaneState& state, const LogBounds& bounds) {
  const bool can_probe = state.last_timestamp_ms >= 0 && state.last_offset >= bounds.low;
  if (!can_probe) return {state.next, std::nullopt};
  return {state.last_offset, state.last_timestamp_ms};
}

}  // namespace spool::delivery
