#include "engine/delivery/valve.hpp"

#include <algorithm>
#include <limits>

#include "engine/base/assert.hpp"

namespace spool::delivery {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

}  // namespace

const char* to_string(ValveState state) {
  switch (state) {
    case ValveState::open:
      return "open";
    case ValveState::shut:
      return "shut";
    case ValveState::trying:
      return "trying";
  }
  return "unknown";
}

void DeathWindow::add(std::int64_t deaths, std::int64_t events) {
  for (std::int64_t done = 0; done < events;) {
    if (buckets_.empty() || buckets_.back().events == step_) buckets_.emplace_back();
    Bucket& bucket = buckets_.back();
    const std::int64_t taken = std::min(events - done, step_ - bucket.events);
    const std::int64_t dead = deaths * (done + taken) / events - deaths * done / events;
    bucket.deaths += dead;
    bucket.events += taken;
    deaths_ += dead;
    events_ += taken;
    done += taken;
    if (events_ >= size_ + step_) {
      deaths_ -= buckets_.front().deaths;
      events_ -= buckets_.front().events;
      buckets_.pop_front();
    }
  }
}

bool DeathWindow::reaches_after(std::int64_t deaths, double ratio) const {
  return events_ + deaths >= size_ &&
         static_cast<double>(deaths_ + deaths) >= ratio * static_cast<double>(events_ + deaths);
}

// Until the window slides, one more death never takes it further away from the ratio: that stretch
// is searched by halves. Sliding may.
std::int64_t DeathWindow::deaths_to_reach(double ratio) const {
  DeathWindow ahead = *this;
  std::int64_t added = 0;
  while (true) {
    const std::int64_t slides = size_ + step_ - ahead.events_;
    std::int64_t few = 0;
    std::int64_t enough = slides - 1;
    if (enough > 0 && ahead.reaches_after(enough, ratio)) {
      while (enough - few > 1) {
        const std::int64_t middle = few + (enough - few) / 2;
        (ahead.reaches_after(middle, ratio) ? enough : few) = middle;
      }
      return added + enough;
    }
    ahead.add(slides, slides);
    added += slides;
    if (ahead.reaches(ratio)) return added;
  }
}

Valve::Valve(const ValveSettings& settings)
    : settings_(settings),
      backoff_(settings.shut_for, settings.shut_cap),
      window_(settings.window) {
  SPOOL_ASSERT(settings.window > 0 && settings.probe > 0, "a valve sees events");
  SPOOL_ASSERT(settings.ratio <= 1, "no more can die than all");
}

ValveState Valve::state(Instant now) const {
  if (!shut_until_) return ValveState::open;
  return now < *shut_until_ ? ValveState::shut : ValveState::trying;
}

std::int64_t Valve::events_allowed(Instant now) const {
  const ValveState current = state(now);
  if (current == ValveState::open) return kUnlimited;
  return current == ValveState::trying ? settings_.probe : 0;
}

std::int64_t Valve::deaths_allowed(Instant now) const {
  if (shut_until_) return events_allowed(now);
  std::int64_t allowed = kUnlimited;
  if (settings_.streak > 0) allowed = settings_.streak - dead_in_a_row_;
  if (settings_.ratio > 0) allowed = std::min(allowed, window_.deaths_to_reach(settings_.ratio));
  return allowed;
}

void Valve::settled(std::int64_t deaths, std::int64_t others, Instant now) {
  SPOOL_ASSERT(deaths >= 0 && others >= 0, "a batch has events");
  const ValveState before = state(now);
  if (before == ValveState::shut || deaths + others == 0) return;
  if (before == ValveState::trying) {
    if (others == 0) {
      shut_until_ = now + backoff_.next();
    } else {
      release();
    }
    return;
  }
  dead_in_a_row_ = others > 0 ? 0 : dead_in_a_row_ + deaths;
  window_.add(deaths, deaths + others);
  const bool streak = settings_.streak > 0 && dead_in_a_row_ >= settings_.streak;
  if (streak || (settings_.ratio > 0 && deaths > 0 && window_.reaches(settings_.ratio))) {
    shut_until_ = now + backoff_.next();
  }
}

void Valve::release() {
  shut_until_.reset();
  backoff_.succeeded();
  dead_in_a_row_ = 0;
  window_ = DeathWindow(settings_.window);
}

}  // namespace spool::delivery
