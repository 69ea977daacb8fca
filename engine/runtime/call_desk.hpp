// Makes the calls of handlers that perform: a thread with a loop of its own, on which each such
// handler has its caller, and a deadline for every call. What is handed over was marked as begun,
// durably; each end goes back to the lanes, once, whatever the caller does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/delivery/dispatcher.hpp"
#include "engine/handler/handler.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/runtime/lane_board.hpp"

namespace spool::runtime {

// A further request of a caller: asks when it may begin. See handler::CallerTools.
using AskPermit = std::function<void(delivery::Instant deadline,
                                     std::function<void(std::optional<delivery::Instant>)>)>;

class CallDesk {
 public:
  // References outlive the desk.
  CallDesk(LaneBoard& board, observe::Metrics& metrics, observe::Logger& log);
  // Calls that are out there are given up; their markers tell the next owner.
  ~CallDesk();

  // Makes the handler's caller. Before the first hand_over() of its lanes; blocks until it is made.
  base::Status serve(const handler::Handler& handler, AskPermit permit);

  // Any thread.
  void hand_over(delivery::ToCall calls);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // permits that come later than its end find it gone
};

}  // namespace spool::runtime
