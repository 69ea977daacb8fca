// What an operator may give up when the log has lost a lane's position. Either the records between
// the position and the log's first one are gone: they count as lost. Or the position is none of
// this log: the topic was made anew, or lost its end; then nothing in it is lost, and the lane goes
// back. Pure; the command line and the lane's owner judge alike, each by the log as it sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/delivery/commands.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery {

// Whether the lane goes on behind its position, in the log that it has counted so far.
inline bool goes_forward(const Loss& loss) {
  return loss.to > loss.from;
}

// How many offsets are counted as lost.
inline std::int64_t lost_offsets(const Loss& loss) {
  return goes_forward(loss) ? loss.to - loss.from : 0;
}

// Why a lane whose lost position is `next` must not take this step; empty: it may. Never beyond
// what the log still has; into a log that ends before the position, as far as the operator says,
// for he alone knows whether it is the same one.
std::optional<std::string> refused(const Loss& loss, std::int64_t next, const LogBounds& bounds);

}  // namespace spool::delivery
