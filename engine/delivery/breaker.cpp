#include "engine/delivery/breaker.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::delivery {

const char* to_string(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
  }
  return "unknown";
}

Breaker::Breaker(const BreakerSettings& settings)
    : settings_(settings), backoff_(settings.open_for, settings.open_cap) {
  SPOOL_ASSERT(settings.failures <= settings.window && settings.window_min <= settings.window,
               "a window holds what is asked of it");
  SPOOL_ASSERT(settings.window > 0 && settings.window_age.count() > 0, "a window holds something");
  SPOOL_ASSERT(settings.probe_lost.count() > 0, "a probe is given time to answer");
}

bool Breaker::allows(Instant now) const {
  return closed_ || now >= next_probe();
}

std::optional<Breaker::Permit> Breaker::admit(Instant now) {
  if (!allows(now)) return std::nullopt;
  if (!closed_) {
    probe_out_ = true;
    probe_lost_at_ = now + settings_.probe_lost;
    ++generation_;
  }
  return Permit{generation_};
}

void Breaker::succeeded(Permit permit, Instant now) {
  if (permit.generation != generation_) return;
  if (closed_) {
    remember(false, now);
  } else if (probe_out_) {
    closed_ = true;
    probe_out_ = false;
    ++generation_;
    closed_at_ = now;
    hint_ = {};
  }
}

void Breaker::failed(Permit permit, Instant now, std::size_t calls) {
  if (permit.generation != generation_) return;
  if (closed_) {
    for (std::size_t call = std::min(calls, settings_.window); call > 0; --call)
      remember(true, now);
    if (!too_many()) return;
    // A service that lets a probe pass and falls over at once is not well again: only after it held
    // for as long as it had been left alone does the doubling start from the beginning.
    if (now - closed_at_ >= open_length_) backoff_.succeeded();
    open(now);
  } else if (probe_out_) {
    open(now);
  }
}

void Breaker::abandon(Permit permit) {
  if (permit.generation == generation_) probe_out_ = false;
}

void Breaker::retry_after(Instant until, Instant now) {
  until = std::min<Instant>(until, now + settings_.hint_cap);
  hint_ = std::max(hint_, until);
  if (!closed_) open_until_ = std::max(open_until_, until);
}

BreakerState Breaker::state(Instant now) const {
  if (closed_) return BreakerState::closed;
  return probe_out_ || now >= open_until_ ? BreakerState::half_open : BreakerState::open;
}

std::optional<Instant> Breaker::wake_at() const {
  if (closed_) return std::nullopt;
  return next_probe();
}

Instant Breaker::next_probe() const {
  return probe_out_ ? std::max(probe_lost_at_, open_until_) : open_until_;
}

void Breaker::remember(bool failed, Instant now) {
  answers_.push_back({now, failed});
  failed_ += failed ? 1 : 0;
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
  while (answers_.size() > settings_.window || now - answers_.front().at >= settings_.window_age) {
    failed_ -= answers_.front().failed ? 1 : 0;
    answers_.pop_front();
  }
  in_a_row_ = std::min(in_a_row_, answers_.size());
}

bool Breaker::too_many() const {
  if (settings_.failures > 0 && in_a_row_ >= settings_.failures) return true;
  return settings_.ratio > 0 && answers_.size() >= settings_.window_min &&
         static_cast<double>(failed_) >= settings_.ratio * static_cast<double>(answers_.size());
}

void Breaker::open(Instant now) {
  closed_ = false;
  probe_out_ = false;
  ++generation_;
  answers_.clear();
  failed_ = 0;
  in_a_row_ = 0;
  open_length_ = backoff_.next();
  open_until_ = std::max<Instant>(now + open_length_, hint_);
}

Breaker& Breakers::of(const std::string& name) {
  return breakers_.try_emplace(name, settings_).first->second;
}

const Breaker* Breakers::find(const std::string& name) const {
  const auto known = breakers_.find(name);
  return known == breakers_.end() ? nullptr : &known->second;
}

}  // namespace spool::delivery
