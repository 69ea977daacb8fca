// The permits of one limited service in this process: holds tokens, and has a thread that leases
// them as they are needed. While the database is away there are none. Any thread; what is called
// back is called without a lock, on that thread or, if it can be answered at once, on the caller's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/delivery/call_budget.hpp"
#include "engine/delivery/rate_slots.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"

namespace spool::runtime {

class RateBudget : public delivery::CallBudget {
 public:
  using Permit = std::function<void(std::optional<delivery::Instant> begin_by)>;

  // References outlive it. `on_tokens`: some have come, of this moment or soon; look again. Without
  // a limit there is no thread, `slots` may be null, and there is always enough.
  RateBudget(std::string upstream, const delivery::RatePolicy& policy,
             std::unique_ptr<delivery::RateSlots> slots, observe::Metrics& metrics,
             observe::Logger& log, std::function<void()> on_tokens);
  ~RateBudget() override;  // stops and waits; who waits for a permit gets none

  std::size_t available(delivery::Instant now) override;
  std::vector<delivery::Instant> take(std::size_t n, delivery::Instant now) override;
  std::optional<delivery::Instant> next_at(delivery::Instant now) override;

  void give_back(delivery::Instant begin_by) override;

  // A permit as soon as there is one, or none by `deadline`. In turn, and before those who take.
  void acquire(delivery::Instant deadline, Permit done);

  // Ends a call to the database that has lasted longer than `limit`.
  void interrupt(std::chrono::milliseconds limit);
  // No call to the database begins or goes on any more.
  void close();

 private:
  struct Waiting {
    delivery::Instant since;
    delivery::Instant deadline;
    Permit done;
  };
  using Lock = std::unique_lock<std::mutex>;

  bool limited() const { return policy_.requests > 0; }
  std::size_t left_over(delivery::Instant now) const;
  void serve();
  bool answer_waiting(Lock& lock, delivery::Instant now);
  std::optional<delivery::Instant> wake_at(delivery::Instant now);
  bool lease(Lock& lock, delivery::Instant now);
  void waited(delivery::Instant since, delivery::Instant now, std::size_t permits);

  const std::string upstream_;
  const delivery::RatePolicy policy_;
  const std::unique_ptr<delivery::RateSlots> slots_;
  observe::Metrics& metrics_;
  observe::Logger& log_;
  const std::function<void()> on_tokens_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::optional<delivery::RateTokens> tokens_;  // empty: no limit
  std::deque<Waiting> waiting_;
  std::optional<delivery::Instant> short_since_;  // a taker got less than it asked for
  delivery::Instant away_until_{};
  bool away_ = false;
  bool stop_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace spool::runtime
