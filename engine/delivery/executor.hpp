// Carries out a lane's jobs over the ports. One executor per database worker, used by its thread
// only. Holds no state of a lane between jobs, only memory that is used again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/delivery/lane.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery {

class BatchRun;

// An event that went to the dead letters, for the log and the counters.
struct RejectedEvent {
  message::ErrorType type;
  std::string source;
  std::string id;
  std::string reason;
  std::int64_t offset = 0;
  std::string traceparent;
};

// What became of a batch besides the lane's new state, for metrics and logs.
struct ApplyStatistics {
  handler::ApplyCounts counts;
  std::vector<RejectedEvent> rejected;
  std::int64_t duplicate_deaths = 0;  // events that were dead already
  std::int64_t records = 0;
  std::int64_t oldest_timestamp_ms = -1;
  int transactions = 0;  // 1, unless something had to be repeated or searched for
};

struct TakeDone {
  base::Result<Taken> outcome;
};
struct ApplyDone {
  base::Result<Committed> outcome;
  ApplyStatistics statistics;
};
struct ReadOutboxDone {
  base::Result<std::vector<OutboxRow>> outcome;
};
struct SettleOutboxDone {
  base::Result<Claim> outcome;
};
struct MarkStoppedDone {
  base::Status outcome;
};
using Done = std::variant<TakeDone, ApplyDone, ReadOutboxDone, SettleOutboxDone, MarkStoppedDone>;

// How the lanes of one handler are served.
struct Route {
  std::string topic;
  const handler::Handler* handler = nullptr;  // outlives the executor
};

class Executor {
 public:
  // All references outlive the executor. `routes` by handler name.
  Executor(Store& store, Log& log, Probe& probe, std::map<std::string, Route> routes);
  ~Executor();

  // `now` is the database's time.
  Done run(const LaneId& lane, const Job& job, base::EpochMicros now);

 private:
  TakeDone take(const LaneId& lane);
  SettleOutboxDone settle(const LaneId& lane, const SettleOutboxJob& job);
  BatchRun& batch_run(const LaneId& lane);

  Store& store_;
  Log& log_;
  Probe& probe_;
  std::map<std::string, Route> routes_;
  std::map<std::string, std::unique_ptr<BatchRun>> runs_;
};

}  // namespace spool::delivery
