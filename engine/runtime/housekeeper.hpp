// What a worker does now and then beside its lanes, on a thread and a connection of its own:
// compares the claims of all lanes (an owner without work must notice too that it lost one), reads
// the database's clock, brings operators' commands and decisions to the lanes (at once, when they
// notify) and acknowledges the latter, counts for the metrics, audits the counters, prunes what is
// kept for a while only.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
  base::Status bring_commands();
  base::Status bring_switches();
  void tell(const delivery::HandlerSwitch& decided);
  base::Status collect();
  base::Status collect_backlog();
  base::Status collect_open();
  base::Status audit();
  base::Status maintain();
  void report(const char* what, const base::Status& status);
  // Does it if `next` has come; then it is due again after so many checks, or later if it took
  // long.
  void when_due(delivery::Instant& next, int checks, const char* what,
                const std::function<base::Status()>& work);

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
  delivery::Instant next_maintenance_{};
  delivery::Instant next_collect_{};
  delivery::Instant next_audit_{};
  delivery::Instant next_whole_audit_{};
  bool uncovered_ = false;                            // by the last audit
  std::map<std::string, std::int64_t> versions_;      // of the decisions that the lanes know
  std::map<std::string, std::int64_t> acknowledged_;  // ... and act on
  std::optional<delivery::Instant> rest_at_;          // of a handler that is paused
  int wake_fd_;                                       // an eventfd
  std::atomic<bool> hurry_{true};                     // the clock is needed at once
  std::atomic<bool> stop_{false};
  std::thread thread_;  // last: it uses everything above
};

}  // namespace spool::runtime
