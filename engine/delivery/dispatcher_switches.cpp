// What operators have decided of handlers, and when a handler that is paused has come to rest.
#include <algorithm>

#include "engine/delivery/dispatcher.hpp"

namespace spool::delivery {

void Dispatcher::set_switches(std::span<const HandlerSwitch> switches) {
  switches_.clear();
  for (const HandlerSwitch& decided : switches) switches_[decided.handler] = decided;
  switches_awaited_ = false;
}

bool Dispatcher::paused(const std::string& handler, const Moment& now) const {
  if (switches_awaited_) return true;
  const auto found = switches_.find(handler);
  return found != switches_.end() && found->second.holds(now.database);
}

// A call that was handed over begins until its time is up; what has begun is settled.
std::optional<Instant> Dispatcher::rests_at(const std::string& handler) const {
  for (const auto& [id, slot] : slots_) {
    if (id.handler == handler && slot.lane->busy() && slot.pausable) return std::nullopt;
  }
  Instant at{};
  for (const auto& [id, call] : under_way_) {
    if (std::get<LaneId>(id).handler == handler) at = std::max(at, call.permit.begin_by);
  }
  return at;
}

std::optional<Instant> Dispatcher::come_to_rest(const std::string& handler) {
  const auto at = rests_at(handler);
  if (at) {
    rest_awaited_.erase(handler);
  } else {
    rest_awaited_.insert(handler);
  }
  return at;
}

}  // namespace spool::delivery
