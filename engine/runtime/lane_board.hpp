// The dispatcher under its lock: the one place where the loop's thread (which fetches) and the
// database workers (which apply) meet. Any thread. What runs under the lock is decisions only,
// never I/O.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "engine/delivery/dispatcher.hpp"
#include "engine/runtime/database_clock.hpp"

namespace spool::runtime {

class LaneBoard {
 public:
  // The clock outlives the board.
  LaneBoard(std::map<std::string, delivery::HandlerLanes> handlers,
            const delivery::BreakerSettings& breakers, const DatabaseClock& clock)
      : clock_(clock), dispatcher_(std::move(handlers), breakers) {}

  // Runs `decide` under the lock.
  template <typename Decide>
  auto with(Decide decide) {
    const std::lock_guard lock(mutex_);
    return decide(dispatcher_);
  }

  // Something may have become ready: a database worker looks.
  void wake_one() { wake_.notify_one(); }
  void wake_all() { wake_.notify_all(); }

  // Blocks until there is a job; empty once the board is closed.
  std::optional<delivery::Work> wait_for_work();

  void close();

  static delivery::Instant now() { return std::chrono::steady_clock::now(); }
  delivery::Moment moment() const { return {now(), clock_.now()}; }

 private:
  const DatabaseClock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closed_ = false;
  delivery::Dispatcher dispatcher_;
};

}  // namespace spool::runtime
