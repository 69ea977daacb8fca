// Lanes to look at: who has each, where it stands, why it stands still, what it counts and holds.
// Reading only, one statement on the caller's connection and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

struct LaneInfo {
  delivery::LaneId lane;
  std::string topic;
  // running, stopped (it stands still for `reason`), free (its last owner has let go of it). An
  // owner that died is noticed by the next one only.
  std::string state;
  std::string reason;  // the word of spool_consumer_paused
  std::string detail;
  std::string owner;  // the last one
  std::int64_t epoch = 0;
  std::int64_t start = 0;
  std::int64_t next = 0;
  delivery::Counters counters;
  std::int64_t held_keys = 0;
  std::int64_t open_bytes = 0;
  base::EpochMicros taken_at = 0;
  base::EpochMicros updated_at = 0;      // its last transaction
  std::int64_t losses = 0;               // that were accepted, as far back as commands are kept
  std::optional<base::Uuid> acceptance;  // of its loss, asked for and not carried out yet

  bool position_lost() const { return state == "stopped" && reason == "position_lost"; }
};

base::Result<std::vector<LaneInfo>> list_lanes(postgres::Connection& connection,
                                               const std::optional<std::string>& handler);
// Fails with `not_found`.
base::Result<LaneInfo> show_lane(postgres::Connection& connection, const delivery::LaneId& lane);

}  // namespace spool::store
