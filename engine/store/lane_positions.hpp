// Where every lane stands in its log, for comparing it with the log. Reading only, one statement on
// the caller's connection and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

struct LanePosition {
  delivery::LaneId lane;
  std::string topic;
  std::int64_t next = 0;  // the next offset to apply
};

base::Result<std::vector<LanePosition>> lane_positions(postgres::Connection& connection,
                                                       const std::optional<std::string>& handler);

}  // namespace spool::store
