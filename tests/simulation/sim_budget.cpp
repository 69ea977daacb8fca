#include "tests/simulation/sim_budget.hpp"

#include <algorithm>

namespace spool::simulation {

using delivery::Instant;

void SimBudget::refill(Instant now) {
  if (now < next_) return;
  left_ = static_cast<std::size_t>(permits_);
  next_ = now + kEvery;
}

std::size_t SimBudget::available(Instant now) {
  refill(now);
  return left_;
}

// Now and then another thread has taken one meanwhile.
std::vector<Instant> SimBudget::take(std::size_t n, Instant now) {
  refill(now);
  if (left_ > 0 && random_.chance(50)) --left_;
  const std::size_t taken = std::min(n, left_);
  left_ -= taken;
  return std::vector<Instant>(taken, now + kGoodFor);
}

void SimBudget::give_back(Instant) {
  ++left_;
}

std::optional<Instant> SimBudget::next_at(Instant now) {
  return left_ > 0 ? now : next_;
}

}  // namespace spool::simulation
