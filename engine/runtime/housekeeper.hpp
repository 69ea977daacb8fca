// What a worker does now and then beside its lanes, on a thread and a connection of its own:
// compares the claims of all lanes (an owner without work must notice too that it lost one), reads
// the database's clock, counts open dead letters for the metrics, prunes what is kept for a while
// only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/observe/health.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/runtime/database_clock.hpp"
#include "engine/runtime/database_worker.hpp"
#include "engine/runtime/lane_board.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::runtime {

class Housekeeper {
 public:
  // References outlive it. `on_check` is called on its thread after each comparison.
  Housekeeper(LaneBoard& board, std::unique_ptr<store::PgStore> store, DatabaseClock& clock,
              std::chrono::milliseconds check_interval,
              std::map<std::string, HandlerReporting> handlers, observe::Metrics& metrics,
              observe::Health& health, observe::Logger& log, std::function<void()> on_check);
  ~Housekeeper();  // stops and waits

  // Some connection broke: compares as soon as possible.
  void hurry();

  // Ends a call to the database that has lasted longer than `limit`.
  void interrupt(std::chrono::milliseconds limit) { store_->interrupt(limit); }
  // No call to the database begins or goes on any more.
  void close() { store_->close(); }

 private:
  void serve();
  bool wait_for_turn();
  base::Status check();
  base::Status count_dead_letters();
  base::Status prune();
  void report(const char* what, const base::Status& status);

  LaneBoard& board_;
  std::unique_ptr<store::PgStore> store_;
  DatabaseClock& clock_;
  std::chrono::milliseconds check_interval_;
  std::map<std::string, HandlerReporting> handlers_;
  observe::Metrics& metrics_;
  observe::Health& health_;
  observe::Logger& log_;
  std::function<void()> on_check_;
  bool reachable_ = true;  // as last logged
  delivery::Instant next_prune_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool hurry_ = true;  // the clock is needed at once
  bool stop_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace spool::runtime
