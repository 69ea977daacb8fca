#include "engine/runtime/housekeeper.hpp"

#include <utility>

namespace spool::runtime {
namespace {

// While the database is away: often enough to notice its return, rarely enough not to be a load.
constexpr std::chrono::milliseconds kAwayPeriod{500};
constexpr std::chrono::minutes kPrunePeriod{1};
constexpr std::int64_t kPruneRowsMax = 50'000;

}  // namespace

Housekeeper::Housekeeper(LaneBoard& board, std::unique_ptr<store::PgStore> store,
                         DatabaseClock& clock, std::chrono::milliseconds check_interval,
                         std::map<std::string, HandlerReporting> handlers,
                         observe::Metrics& metrics, observe::Health& health, observe::Logger& log,
                         std::function<void()> on_check)
    : board_(board),
      store_(std::move(store)),
      clock_(clock),
      check_interval_(check_interval),
      handlers_(std::move(handlers)),
      metrics_(metrics),
      health_(health),
      log_(log),
      on_check_(std::move(on_check)),
      thread_([this] { serve(); }) {}

Housekeeper::~Housekeeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Housekeeper::hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  wake_.notify_all();
}

bool Housekeeper::wait_for_turn() {
  std::unique_lock lock(mutex_);
  // A hurry while the database is away must not become a loop without a pause.
  const auto period = reachable_ ? check_interval_ : kAwayPeriod;
  wake_.wait_for(lock, period, [this] { return stop_ || (hurry_ && reachable_); });
  hurry_ = false;
  return !stop_;
}

void Housekeeper::serve() {
  while (wait_for_turn()) {
    const base::Status status = check();
    // What these two cannot do is no reason to call the database away.
    if (status) report("dead_letters.count_failed", count_dead_letters());
    if (status && LaneBoard::now() >= next_prune_) report("lane_batches.prune_failed", prune());
    health_.set("database", {status.ok(), status ? "answers" : status.failure().text});
    if (status.ok() != reachable_) {
      reachable_ = status.ok();
      if (reachable_) {
        log_.info("database.reachable");
      } else {
        log_.error("database.away", {{"error", status.failure().text}});
      }
    }
    on_check_();
  }
}

base::Status Housekeeper::check() {
  auto now = store_->database_time();
  if (!now) return now.failure();
  clock_.set(*now);
  const auto asked = board_.with([](delivery::Dispatcher& lanes) { return lanes.claims(); });
  if (asked.empty()) return {};
  std::vector<delivery::LaneId> ids;
  ids.reserve(asked.size());
  for (const delivery::ClaimSeen& claim : asked) ids.push_back(claim.lane);
  auto seen = store_->claims(ids);
  if (!seen) return seen.failure();
  board_.with([&](delivery::Dispatcher& lanes) { lanes.compare(asked, *seen); });
  board_.wake_all();
  return {};
}

base::Status Housekeeper::count_dead_letters() {
  for (const auto& [name, handler] : handlers_) {
    auto counts = store_->open_dead_letters(name);
    if (!counts) return counts.failure();
    std::vector<observe::DeadLetterCount> series;
    for (auto& [error_type, open] : *counts) series.push_back({std::move(error_type), open});
    handler.metrics->set_dead_letters(series);
  }
  auto pending = store_->outbox_waiting();
  if (!pending) return pending.failure();
  metrics_.set_outbox_pending(*pending);
  return {};
}

base::Status Housekeeper::prune() {
  next_prune_ = LaneBoard::now() + kPrunePeriod;
  auto pruned = store_->prune(kPruneRowsMax);
  if (!pruned) return pruned.failure();
  if (*pruned == kPruneRowsMax) next_prune_ = LaneBoard::now();  // there is more
  if (*pruned > 0) log_.debug("lane_batches.pruned", {{"rows", *pruned}});
  return {};
}

void Housekeeper::report(const char* what, const base::Status& status) {
  if (!status) log_.warn(what, {{"error", status.failure().text}});
}

}  // namespace spool::runtime
