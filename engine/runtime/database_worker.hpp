// A thread with one connection that takes whatever job is ready from the lanes and carries it out.
// Batches form by themselves: what arrives while a lane's transaction is in flight is the next one.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/delivery/executor.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/runtime/database_clock.hpp"
#include "engine/runtime/flush_statistics.hpp"
#include "engine/runtime/lane_board.hpp"

namespace spool::runtime {

// What the worker's other parts want to hear of a finished job. Called on the database worker's
// thread.
struct JobListener {
  std::function<void()> job_finished;                // room in a lane, a lane taken, a lane idle
  std::function<void(delivery::ToPublish)> publish;  // rows that are durable
  std::function<void()> connection_lost;             // compare all claims soon
  std::function<void()> lane_taken;                  // operators may be waiting for it
  std::function<void()> at_rest;                     // so may they for a handler that is paused
};

// Where a handler's numbers go; outlives the worker.
struct HandlerReporting {
  observe::HandlerMetrics* metrics = nullptr;
  FlushStatistics* flushed = nullptr;
  std::string group;
  std::string topic;
};

class DatabaseWorker {
 public:
  // `handlers` by name. References outlive the worker; the thread starts at once.
  DatabaseWorker(LaneBoard& board, std::unique_ptr<delivery::Store> store,
                 delivery::Log& log_bounds, delivery::Probe& probe,
                 const std::map<std::string, delivery::Route>& routes, const DatabaseClock& clock,
                 std::map<std::string, HandlerReporting> handlers, observe::Metrics& metrics,
                 observe::Logger& log, JobListener listener);
  // The board must be closed by then; waits for the job at hand.
  ~DatabaseWorker();

  enum class State { idle, busy, down };  // down: its connection was lost with its last job
  // Any thread.
  State state() const { return state_.load(std::memory_order_relaxed); }

 private:
  void serve();
  void work_on(delivery::Work work);
  void report(const delivery::Work& work, const delivery::Done& done, double seconds);
  void report_open(const delivery::LaneId& lane, const delivery::Job& job,
                   const delivery::Committed& committed);
  void report_batch(const delivery::LaneId& lane, const delivery::Job& job,
                    const delivery::RunDone& done, double seconds);
  void measure_waits(const delivery::ApplyJob& job, const delivery::Committed& committed,
                     double seconds, observe::BatchReport& report);
  void report_failed(const delivery::LaneId& lane, observe::HandlerMetrics& metrics,
                     const std::vector<delivery::FailedEvent>& failed);
  void report_failure(const delivery::LaneId& lane, const char* what, const base::Failure& failure);

  LaneBoard& board_;
  std::unique_ptr<delivery::Store> store_;
  delivery::Executor executor_;
  const DatabaseClock& clock_;
  std::map<std::string, HandlerReporting> handlers_;
  observe::Metrics& metrics_;
  observe::Logger& log_;
  JobListener listener_;
  std::atomic<State> state_{State::idle};
  std::thread thread_;  // last: it uses everything above
};

// What the connections of a pool are doing at this moment.
observe::PoolConnections connections_of(
    const std::vector<std::unique_ptr<DatabaseWorker>>& workers);

}  // namespace spool::runtime
