#include "engine/runtime/upstreams.hpp"

#include <utility>

#include "engine/store/pg_rate_slots.hpp"

namespace spool::runtime {

Upstreams::Upstreams(const WorkerSettings& settings, LaneBoard& board, observe::Metrics& metrics,
                     observe::Logger& log)
    : settings_(settings), board_(board), metrics_(metrics), log_(log) {}

Upstreams::~Upstreams() {
  close();
}

// The limit of the service that it depends on; null: there is none.
RateBudget* Upstreams::budget_of(const HandlerRoute& route) {
  for (const std::string& service : route.handler->spec.dependencies) {
    const auto policy = settings_.rates.find(service);
    if (policy == settings_.rates.end()) continue;
    auto& budget = budgets_[service];
    if (!budget) {
      auto slots =
          std::make_unique<store::PgRateSlots>(settings_.database, service, policy->second);
      budget = std::make_unique<RateBudget>(service, policy->second, std::move(slots), metrics_,
                                            log_, [this] { board_.wake_all(); });
    }
    return budget.get();
  }
  return nullptr;
}

base::Status Upstreams::start() {
  for (const HandlerRoute& route : settings_.handlers) {
    if (route.handler->performs() == nullptr) continue;
    if (!desk_) desk_ = std::make_unique<CallDesk>(board_, metrics_, log_);
    AskPermit permit = [](delivery::Instant deadline, const auto& answer) { answer(deadline); };
    if (RateBudget* budget = budget_of(route)) {
      board_.with([&](delivery::Dispatcher& lanes) {
        lanes.limit_calls(route.handler->spec.name, *budget);
      });
      permit = [budget](delivery::Instant deadline, auto answer) {
        budget->acquire(deadline, std::move(answer));
      };
    }
    if (auto served = desk_->serve(*route.handler, std::move(permit)); !served) return served;
  }
  return {};
}

void Upstreams::interrupt(std::chrono::milliseconds limit) {
  for (const auto& [service, budget] : budgets_) budget->interrupt(limit);
}

void Upstreams::close() {
  for (const auto& [service, budget] : budgets_) budget->close();
  desk_.reset();
}

}  // namespace spool::runtime
