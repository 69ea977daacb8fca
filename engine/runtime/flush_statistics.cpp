#include "engine/runtime/flush_statistics.hpp"

#include <utility>

namespace spool::runtime {

void FlushStatistics::add(const Flushed& batch) {
  const std::lock_guard lock(mutex_);
  sum_.transactions += batch.transactions;
  sum_.events += batch.events;
  sum_.coalesced += batch.coalesced;
  sum_.rows += batch.rows;
  sum_.dead += batch.dead;
  sum_.seconds += batch.seconds;
}

Flushed FlushStatistics::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(sum_, {});
}

}  // namespace spool::runtime
