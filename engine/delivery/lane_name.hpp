// A lane as people read it, in logs, failures and on the command line: handler/partition.
#pragma once

#include <string>

#include "engine/delivery/ports.hpp"

namespace spool::delivery {

inline std::string lane_name(const LaneId& lane) {
  return lane.handler + "/" + std::to_string(lane.partition);
}

}  // namespace spool::delivery
