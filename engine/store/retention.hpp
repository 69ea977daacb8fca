// How long what is only looked back at is kept.
#pragma once

#include <chrono>

namespace spool::store {

struct Retention {
  std::chrono::milliseconds lane_batches = std::chrono::hours(24);
  std::chrono::milliseconds dead_letters = std::chrono::hours(24 * 90);
  std::chrono::milliseconds inbox = std::chrono::hours(24 * 7);
  std::chrono::milliseconds audit = std::chrono::hours(24 * 365);
  std::chrono::milliseconds tombstones = std::chrono::hours(24 * 400);
};

}  // namespace spool::store
