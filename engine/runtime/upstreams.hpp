// What a worker has for the handlers that call services: the desk that makes the calls, and the
// permits of services whose rate is limited over the whole deployment. Made and destroyed on the
// loop's thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "engine/runtime/call_desk.hpp"
#include "engine/runtime/rate_budget.hpp"
#include "engine/runtime/worker.hpp"

namespace spool::runtime {

class Upstreams {
 public:
  // References outlive it.
  Upstreams(const WorkerSettings& settings, LaneBoard& board, observe::Metrics& metrics,
            observe::Logger& log);
  ~Upstreams();

  // Makes the caller of every handler that performs. Once.
  base::Status start();

  void hand_over(delivery::ToCall calls) { desk_->hand_over(std::move(calls)); }  // any thread
  void interrupt(std::chrono::milliseconds limit);
  // Nobody is called any more, and no permit is sought.
  void close();

 private:
  RateBudget* budget_of(const HandlerRoute& route);

  const WorkerSettings& settings_;
  LaneBoard& board_;
  observe::Metrics& metrics_;
  observe::Logger& log_;
  std::map<std::string, std::unique_ptr<RateBudget>> budgets_;  // by service
  std::unique_ptr<CallDesk> desk_;                              // if a handler performs
};

}  // namespace spool::runtime
