// Permits for calls that come in time, of one simulated process; each is good for a while.
#pragma once

#include "engine/delivery/call_budget.hpp"
#include "tests/simulation/faults.hpp"

namespace spool::simulation {

class SimBudget final : public delivery::CallBudget {
 public:
  // `permits`: so many come in kEvery; 0: nobody asks it.
  SimBudget(Random& random, int permits) : random_(random), permits_(permits) {}

  std::size_t available(delivery::Instant now) override;
  std::vector<delivery::Instant> take(std::size_t n, delivery::Instant now) override;
  void give_back(delivery::Instant begin_by) override;
  std::optional<delivery::Instant> next_at(delivery::Instant now) override;

 private:
  static constexpr std::chrono::milliseconds kEvery{10};
  static constexpr std::chrono::milliseconds kGoodFor{60};
  void refill(delivery::Instant now);

  Random& random_;
  int permits_;
  std::size_t left_ = 0;
  delivery::Instant next_{};
};

}  // namespace spool::simulation
