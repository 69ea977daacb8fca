// What a handler's batches came to since somebody last asked: for one log line a minute. Any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "engine/observe/log.hpp"

namespace spool::runtime {

struct Flushed {
  std::int64_t transactions = 0;
  std::int64_t events = 0;
  std::int64_t coalesced = 0;  // folded into another event of their batch
  std::int64_t rows = 0;       // written
  std::int64_t dead = 0;
  double seconds = 0;  // BEGIN to the answer to COMMIT, summed
};

class FlushStatistics {
 public:
  void add(const Flushed& batch);
  Flushed take();

 private:
  std::mutex mutex_;
  Flushed sum_;
};

// One line for each handler that has flushed since the last time.
void log_flushed(std::map<std::string, FlushStatistics>& by_handler, observe::Logger& log);

}  // namespace spool::runtime
