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

void log_flushed(std::map<std::string, FlushStatistics>& by_handler, observe::Logger& log) {
  for (auto& [handler, statistics] : by_handler) {
    const Flushed sum = statistics.take();
    if (sum.transactions == 0) continue;
    log.info("handler.flushed", {{"handler", handler},
                                 {"transactions", sum.transactions},
                                 {"events", sum.events},
                                 {"coalesced", sum.coalesced},
                                 {"rows", sum.rows},
                                 {"dead", sum.dead},
                                 {"seconds", sum.seconds}});
  }
}

}  // namespace spool::runtime
