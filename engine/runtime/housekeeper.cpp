#include "engine/runtime/housekeeper.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/delivery/lane_name.hpp"

namespace spool::runtime {
namespace {

// While the database is away: often enough to notice its return, rarely enough not to be a load.
constexpr std::chrono::milliseconds kAwayPeriod{500};
// Every so many checks.
constexpr int kMaintenanceChecks = 12;
constexpr int kAuditChecks = 12;
// What takes long, because there is much to count, is done the less often.
constexpr int kRest = 20;
// The latest batches every time. All that are kept now and then, and as long as anything is wrong:
// what is wrong must not be forgotten because it grows old.
constexpr std::chrono::milliseconds kLatestBatches{600'000};
constexpr std::chrono::milliseconds kWholeAuditPeriod{3'600'000};
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
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { serve(); }) {
  SPOOL_ASSERT(wake_fd_ >= 0, "no file descriptor is left");
}

Housekeeper::~Housekeeper() {
  stop_ = true;
  hurry();
  thread_.join();
  ::close(wake_fd_);
}

void Housekeeper::hurry() {
  hurry_ = true;
  ::eventfd_write(wake_fd_, 1);
}

bool Housekeeper::wait_for_turn() {
  // A hurry while the database is away must not become a loop without a pause.
  auto period = reachable_ ? check_interval_ : kAwayPeriod;
  if (rest_at_ && reachable_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*rest_at_ - LaneBoard::now());
    period = std::clamp(left, std::chrono::milliseconds(1), period);
  }
  if (!stop_ && !(hurry_ && reachable_)) {
    report("housekeeper.wait_failed", store_->wait_for_command(wake_fd_, period));
  }
  eventfd_t counted = 0;
  ::eventfd_read(wake_fd_, &counted);
  hurry_ = false;
  return !stop_;
}

void Housekeeper::serve() {
  while (wait_for_turn()) {
    const base::Status status = check();
    // What these cannot do is no reason to call the database away.
    if (status) {
      when_due(next_collect_, 1, "collect_failed", [this] { return collect(); });
      when_due(next_audit_, kAuditChecks, "audit_failed", [this] { return audit(); });
      when_due(next_maintenance_, kMaintenanceChecks, "maintenance_failed",
               [this] { return maintain(); });
    }
    if (stop_) break;
    health_.set("database", {status.ok(), status ? "answers" : status.failure().text});
    if (status.ok() != reachable_) {
      reachable_ = status.ok();
      if (reachable_) {
        log_.info("database.reachable");
        board_.with([](delivery::Dispatcher& lanes) { lanes.database_is_back(); });
        board_.wake_all();
      } else {
        log_.error("database.away", {{"error", status.failure().text}});
      }
    }
    on_check_();
  }
}

void Housekeeper::when_due(delivery::Instant& next, int checks, const char* what,
                           const std::function<base::Status()>& work) {
  const auto begun = LaneBoard::now();
  if (begun < next) return;
  next = begun + check_interval_ * checks;  // the work may bring it forward
  report(what, work());
  const auto took = LaneBoard::now() - begun;
  if (took * kRest > check_interval_ * checks) next = begun + took * kRest;
}

base::Status Housekeeper::check() {
  auto now = store_->database_time();
  if (!now) return now.failure();
  clock_.set(*now);
  const auto asked = board_.with([](delivery::Dispatcher& lanes) { return lanes.claims(); });
  if (!asked.empty()) {
    std::vector<delivery::LaneId> ids;
    ids.reserve(asked.size());
    for (const delivery::ClaimSeen& claim : asked) ids.push_back(claim.lane);
    auto seen = store_->claims(ids);
    if (!seen) return seen.failure();
    board_.with([&](delivery::Dispatcher& lanes) { lanes.compare(asked, *seen); });
  }
  if (auto brought = bring_switches(); !brought) return brought;
  if (auto brought = bring_commands(); !brought) return brought;
  board_.wake_all();
  return {};
}

base::Status Housekeeper::bring_commands() {
  const auto owned = board_.with([](delivery::Dispatcher& lanes) { return lanes.owned(); });
  if (owned.empty()) return {};
  auto commands = store_->commands(owned);
  if (!commands) return commands.failure();
  board_.with([&](delivery::Dispatcher& lanes) { lanes.set_commands(*commands); });
  return {};
}

// What a pause holds back may still run: it is acknowledged when it has ended.
base::Status Housekeeper::bring_switches() {
  const auto switches = store_->switches();
  if (!switches) return switches.failure();
  std::map<std::string, delivery::HandlerSwitch> decided;
  for (const auto& [name, handler] : handlers_) decided[name].handler = name;
  for (const delivery::HandlerSwitch& one : *switches) decided[one.handler] = one;
  rest_at_.reset();
  const delivery::Moment now = board_.moment();
  board_.with([&](delivery::Dispatcher& lanes) {
    lanes.set_switches(*switches);
    for (const auto& [name, one] : decided) {
      const bool holds = lanes.paused(name, now);
      const auto rest = holds ? lanes.come_to_rest(name) : std::optional(now.at);
      if (rest && *rest <= now.at) {
        acknowledged_[name] = one.version;
      } else if (rest) {
        rest_at_ = rest_at_ ? std::min(*rest_at_, *rest) : *rest;
      }
    }
  });
  for (const auto& [name, one] : decided) tell(one);
  return store_->acknowledge(acknowledged_);
}

void Housekeeper::tell(const delivery::HandlerSwitch& decided) {
  if (std::exchange(versions_[decided.handler], decided.version) == decided.version) return;
  log_.info(decided.paused ? "handler.paused" : "handler.resumed",
            {{"handler", decided.handler},
             {"version", decided.version},
             {"until", decided.until ? base::format_rfc3339(*decided.until) : std::string()}});
}

base::Status Housekeeper::collect() {
  for (const auto& [name, handler] : handlers_) {
    auto counts = store_->open_dead_letters(name);
    if (!counts) return counts.failure();
    std::vector<observe::DeadLetterCount> series;
    std::optional<base::EpochMicros> oldest;
    for (auto& count : *counts) {
      oldest = oldest ? std::min(*oldest, count.oldest) : count.oldest;
      series.push_back({std::move(count.error_type), count.count});
    }
    handler.metrics->set_dead_letters(series, oldest);
  }
  if (auto done = collect_backlog(); !done) return done;
  if (auto done = collect_open(); !done) return done;
  metrics_.set_collector_success(clock_.now());
  return {};
}

base::Status Housekeeper::collect_backlog() {
  const auto backlog = store_->backlog();
  if (!backlog) return backlog.failure();
  metrics_.set_outbox_pending(backlog->outbox_waiting);
  metrics_.set_outbox_oldest(backlog->outbox_oldest);
  metrics_.set_outbox_refused(backlog->outbox_refused);
  metrics_.set_replay_jobs(
      {{"running", backlog->replays_running}, {"paused", backlog->replays_paused}});
  return {};
}

// What waits for its next attempt, by the attempts it has had.
base::Status Housekeeper::collect_open() {
  auto open = store_->open_events();
  if (!open) return open.failure();
  std::map<std::string, std::map<std::int32_t, observe::RetryTier>> tiers;
  for (const store::OpenEvents& events : *open) {
    if (events.state != "head" || events.attempts == 0) continue;
    observe::RetryTier& tier = tiers[events.lane.handler][events.attempts];
    tier.tier = std::to_string(events.attempts);
    tier.waiting += events.events;
    if (!tier.next_due || events.next_due < *tier.next_due) tier.next_due = events.next_due;
  }
  for (const auto& [name, handler] : handlers_) {
    std::vector<observe::RetryTier> all;
    for (auto& [attempts, tier] : tiers[name]) all.push_back(std::move(tier));
    handler.metrics->set_retry_pending(all);
  }
  return {};
}

base::Status Housekeeper::audit() {
  const auto now = LaneBoard::now();
  const bool whole = uncovered_ || now >= next_whole_audit_;
  auto report = whole ? store_->audit_ledger() : store_->audit_ledger(kLatestBatches);
  if (!report) return report.failure();
  if (whole) next_whole_audit_ = now + kWholeAuditPeriod;
  uncovered_ = !report->findings.empty();
  std::vector<observe::LaneAudit> audits;
  for (const auto& [lane, uncovered] : report->uncovered)
    audits.push_back({lane.handler, lane.partition, uncovered});
  metrics_.set_ledger_uncovered(audits);
  for (const store::LedgerFinding& finding : report->findings) {
    log_.error("ledger.uncovered", {{"lane", delivery::lane_name(finding.lane)},
                                    {"what", finding.what},
                                    {"from", finding.from_offset},
                                    {"to", finding.to_offset},
                                    {"expected", finding.expected},
                                    {"found", finding.found}});
  }
  return {};
}

base::Status Housekeeper::maintain() {
  if (auto kept = store_->keep_inbox(); !kept) return kept;
  auto pruned = store_->prune(kPruneRowsMax);
  if (!pruned) return pruned.failure();
  if (*pruned == kPruneRowsMax) next_maintenance_ = LaneBoard::now();  // there is more
  if (*pruned > 0) log_.debug("pruned", {{"rows", *pruned}});
  return {};
}

void Housekeeper::report(const char* what, const base::Status& status) {
  if (!status && !stop_) log_.warn(what, {{"error", status.failure().text}});
}

}  // namespace spool::runtime
