#include "engine/runtime/rate_budget.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::runtime {
namespace {

using delivery::Instant;

// While the database is away: often enough to notice its return, rarely enough not to be a load.
constexpr std::chrono::milliseconds kAwayPeriod{500};
// Of a permit without a limit: longer than anybody waits before a call.
constexpr std::chrono::hours kNoLimit{1};

Instant steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

RateBudget::RateBudget(std::string upstream, const delivery::RatePolicy& policy,
                       std::unique_ptr<delivery::RateSlots> slots, observe::Metrics& metrics,
                       observe::Logger& log, std::function<void()> on_tokens)
    : upstream_(std::move(upstream)),
      policy_(policy),
      slots_(std::move(slots)),
      metrics_(metrics),
      log_(log),
      on_tokens_(std::move(on_tokens)) {
  if (!limited()) return;
  SPOOL_ASSERT(slots_ != nullptr, "a limit needs somewhere to lease from");
  tokens_.emplace(policy_);
  thread_ = std::thread([this] { serve(); });
}

RateBudget::~RateBudget() {
  if (!limited()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  for (const Waiting& waiting : waiting_) waiting.done(std::nullopt);
}

std::size_t RateBudget::available(Instant now) {
  if (!limited()) return std::numeric_limits<std::size_t>::max();
  const std::lock_guard lock(mutex_);
  return left_over(now);
}

std::vector<Instant> RateBudget::take(std::size_t n, Instant now) {
  if (!limited()) return std::vector<Instant>(n, now + kNoLimit);
  std::vector<Instant> taken;
  {
    const std::lock_guard lock(mutex_);
    taken = tokens_->take(std::min(n, left_over(now)), now);
    tokens_->ask(n - taken.size());
    waited(short_since_.value_or(now), now, taken.size());
    if (taken.size() == n) {
      short_since_.reset();
    } else if (!taken.empty() || !short_since_) {
      short_since_ = now;
    }
  }
  if (taken.size() < n) wake_.notify_one();
  return taken;
}

std::optional<Instant> RateBudget::next_at(Instant now) {
  if (!limited()) return now;
  {
    const std::lock_guard lock(mutex_);
    if (left_over(now) > 0) return now;
    const auto next = tokens_->next_at(now);
    if (tokens_->asked() > 0) return next;
    tokens_->ask(1);
    if (!short_since_) short_since_ = now;
    if (next) return next;
  }
  wake_.notify_one();
  return std::nullopt;
}

void RateBudget::give_back(Instant begin_by) {
  if (!limited()) return;
  {
    const std::lock_guard lock(mutex_);
    tokens_->give_back(begin_by, steady_now());
  }
  wake_.notify_one();
}

void RateBudget::acquire(Instant deadline, Permit done) {
  const Instant now = steady_now();
  if (!limited()) return done(now + kNoLimit);
  std::optional<Instant> permit;
  {
    const std::lock_guard lock(mutex_);
    if (left_over(now) == 0) {
      waiting_.push_back({now, deadline, std::move(done)});
      wake_.notify_one();
      return;
    }
    permit = tokens_->take(1, now).front();
    waited(now, now, 1);
  }
  done(permit);
}

void RateBudget::interrupt(std::chrono::milliseconds limit) {
  if (limited()) slots_->interrupt(limit);
}

void RateBudget::close() {
  if (limited()) slots_->close();
}

// What those who wait in turn do not need.
std::size_t RateBudget::left_over(Instant now) const {
  const std::size_t all = tokens_->available(now);
  return all - std::min(all, waiting_.size());
}

void RateBudget::serve() {
  Lock lock(mutex_);
  while (!stop_) {
    const Instant now = steady_now();
    if (answer_waiting(lock, now) || lease(lock, now)) continue;
    if (const auto at = wake_at(now)) {
      wake_.wait_until(lock, *at);
    } else {
      wake_.wait(lock);
    }
  }
}

// Whether there was anybody to answer.
bool RateBudget::answer_waiting(Lock& lock, Instant now) {
  std::vector<std::pair<Permit, std::optional<Instant>>> answers;
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const auto permits = tokens_->take(one->deadline > now ? 1 : 0, now);
    if (permits.empty() && one->deadline > now) {
      ++one;
      continue;
    }
    if (!permits.empty()) waited(one->since, now, 1);
    answers.emplace_back(std::move(one->done),
                         permits.empty() ? std::nullopt : std::optional(permits.front()));
    one = waiting_.erase(one);
  }
  if (answers.empty()) return false;
  lock.unlock();
  for (const auto& [done, permit] : answers) done(permit);
  lock.lock();
  return true;
}

std::optional<Instant> RateBudget::wake_at(Instant now) {
  std::optional<Instant> earliest;
  const auto at = [&](std::optional<Instant> time) {
    if (time) earliest = std::min(earliest.value_or(*time), *time);
  };
  if (const auto due = tokens_->lease_at(now, waiting_.size())) at(std::max(*due, away_until_));
  if (!waiting_.empty()) at(tokens_->next_at(now));
  for (const Waiting& waiting : waiting_) at(waiting.deadline);
  return earliest;
}

// Whether there was anything to lease.
bool RateBudget::lease(Lock& lock, Instant now) {
  const auto due = tokens_->lease_at(now, waiting_.size());
  if (!due || std::max(*due, away_until_) > now) return false;
  const delivery::LeaseRequest request = tokens_->wants(now, waiting_.size());
  if (request.empty()) return false;
  lock.unlock();
  const auto leased = slots_->lease(request);
  lock.lock();
  if (stop_) return true;
  if (leased.ok() == away_) {
    away_ = !leased.ok();
    if (away_) {
      log_.warn("rate_limit.away", {{"upstream", upstream_}, {"error", leased.failure().text}});
    } else {
      log_.info("rate_limit.reachable", {{"upstream", upstream_}});
    }
  }
  if (!leased) {
    metrics_.count_db_error(leased.failure().sqlstate);
    away_until_ = steady_now() + kAwayPeriod;
    return true;
  }
  tokens_->add(*leased);
  if (leased->slots.empty()) return true;
  answer_waiting(lock, steady_now());
  lock.unlock();
  on_tokens_();
  lock.lock();
  return true;
}

void RateBudget::waited(Instant since, Instant now, std::size_t permits) {
  const double seconds = std::chrono::duration<double>(now - since).count();
  for (; permits > 0; --permits) metrics_.upstream_waited(upstream_, std::max(seconds, 0.0));
}

}  // namespace spool::runtime
