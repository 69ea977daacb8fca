// The caller of one simulated process: what it was handed leaves the process a little later, or not
// at all, and is heard of later still.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/delivery/time.hpp"
#include "engine/handler/perform.hpp"
#include "tests/simulation/sim_service.hpp"

namespace spool::simulation {

class SimCaller final : public handler::Caller {
 public:
  // Worker's clock and database's, now.
  using Clock = std::function<delivery::Moment()>;

  SimCaller(Random& random, Faults& faults, SimService& service, Clock clock)
      : random_(random), faults_(faults), service_(service), clock_(std::move(clock)) {}

  void perform(handler::CallPtr call, const handler::Ticket& ticket, Done done) override;
  void reconcile(handler::CallPtr call, const handler::Ticket& ticket, Done done) override;
  // Heard of the one whose end was told last.
  const Heard& told() const { return told_; }

  bool empty() const { return calls_.empty(); }
  // One of them, at random, goes on as far as it can; all of them.
  void go_on();
  void go_on_all();
  // When one can go on.
  std::optional<delivery::Instant> wake_at() const;
  // The process ends: some of what it was handed leaves it all the same.
  void die();

 private:
  struct Pending {
    std::shared_ptr<const SimCall> call;
    handler::Ticket ticket;
    Done done;
    bool asks = false;
    std::optional<Heard> heard;  // once it has left
  };

  void add(handler::CallPtr call, const handler::Ticket& ticket, Done done, bool asks);
  void leave(Pending& pending);
  bool step(std::size_t index);
  base::EpochMicros database_time(delivery::Instant at) const;

  Random& random_;
  Faults& faults_;
  SimService& service_;
  Clock clock_;
  std::vector<Pending> calls_;
  Heard told_;
};

}  // namespace spool::simulation
