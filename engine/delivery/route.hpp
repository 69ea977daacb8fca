// How the lanes of one handler are served. Made at start, read-only afterwards, any thread.
#pragma once

#include <chrono>
#include <string>

#include "engine/delivery/retry_policy.hpp"
#include "engine/handler/handler.hpp"

namespace spool::delivery {

struct Route {
  std::string topic;
  const handler::Handler* handler = nullptr;  // outlives whoever has the route
  RetryPolicy policy = {};
  // After a death the key stays held until an operator decides.
  bool hold_after_death = false;
  // What one event alone may take, once its batch has been too slow again and again; what one call
  // may take.
  std::chrono::milliseconds timeout{30'000};
  // A call begins so soon after its marker, or not at all.
  std::chrono::milliseconds call_grace{2'000};
};

// How long a call may go on, from before its marker; clocks and schedulers are not exact. 0: the
// handler calls nobody.
inline base::EpochMicros call_length(const Route& route) {
  constexpr std::chrono::milliseconds kMargin{1'000};
  if (route.handler->performs() == nullptr) return 0;
  return std::chrono::microseconds(route.call_grace + route.timeout + kMargin).count();
}

}  // namespace spool::delivery
