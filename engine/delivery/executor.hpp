// Carries out a lane's jobs over the ports. One executor per database worker, used by its thread
// only. Holds no state of a lane between jobs, only memory that is used again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/delivery/batch_run.hpp"
#include "engine/delivery/calls_run.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_run.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/route.hpp"

namespace spool::delivery {

struct TakeDone {
  base::Result<Taken> outcome;
};
// Of ApplyJob, DrainJob and CallsJob, and of the AwakenJob of a handler that performs.
using ApplyDone = RunDone;
// Of AwakenJob, CompanionsJob, CommandJob.
struct OpenDone {
  base::Result<Committed> outcome;
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
struct LetGoDone {
  base::Status outcome;
};
using Done = std::variant<TakeDone, ApplyDone, OpenDone, ReadOutboxDone, SettleOutboxDone,
                          MarkStoppedDone, LetGoDone>;

class Executor {
 public:
  // All references outlive the executor. `routes` by handler name.
  Executor(Store& store, Log& log, Probe& probe, std::map<std::string, Route> routes);

  // `now` is the database's time.
  Done run(const LaneId& lane, const Job& job, base::EpochMicros now);

 private:
  TakeDone take(const LaneId& lane);
  OpenDone accept_loss(const LaneId& lane, const CommandJob& job);
  SettleOutboxDone settle(const LaneId& lane, const SettleOutboxJob& job);
  LetGoDone let_go(const LaneId& lane, const LetGoJob& job);
  BatchRun& batch_run(const LaneId& lane);

  Store& store_;
  Log& log_;
  std::map<std::string, Route> routes_;
  std::map<std::string, std::unique_ptr<BatchRun>> runs_;
  std::map<std::string, std::unique_ptr<CallsRun>> calls_runs_;
  OpenRun open_run_;
};

}  // namespace spool::delivery
