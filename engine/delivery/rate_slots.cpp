#include "engine/delivery/rate_slots.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {
namespace {

using std::chrono::microseconds;

constexpr int kSlotsOfAWindow = 80;
// Below, a lease and a call would hardly fit in.
constexpr microseconds kSlotMin{50'000};
constexpr std::int64_t kSharesAboveEven = 8;
constexpr int kMarginOfASlot = 8;
// Others may give back what they hold in vain: the answer that there is nothing is believed for
// this part of a window.
constexpr int kBeliefOfAWindow = 4;

}  // namespace

microseconds RatePolicy::slot() const {
  return std::max(window / kSlotsOfAWindow, kSlotMin);
}

std::int64_t RatePolicy::share() const {
  const std::int64_t of_spans = kSharesAboveEven * requests * slot().count();
  return std::max<std::int64_t>(1, (of_spans + span().count() - 1) / span().count());
}

RateTokens::RateTokens(const RatePolicy& policy)
    : policy_(policy), slot_(policy.slot()), margin_(slot_ / kMarginOfASlot) {
  SPOOL_ASSERT(policy.requests > 0, "without a limit there are no tokens");
}

std::size_t RateTokens::available(Instant now) const {
  std::int64_t sum = 0;
  for (const auto& [until, held] : held_) {
    if (held.from <= now && usable(until, now)) sum += held.tokens;
  }
  return static_cast<std::size_t>(sum);
}

std::vector<Instant> RateTokens::take(std::size_t n, Instant now) {
  turn(now);
  std::vector<Instant> taken;
  for (auto& [until, held] : held_) {
    if (held.from > now || !usable(until, now)) continue;
    for (; held.tokens > 0 && taken.size() < n; --held.tokens) taken.push_back(until);
  }
  used_ += static_cast<std::int64_t>(taken.size());
  return taken;
}

void RateTokens::give_back(Instant begin_by, Instant now) {
  const auto found = held_.find(begin_by);
  if (found == held_.end()) return;  // so late that it counts in no window any more
  if (usable(begin_by, now)) {
    ++found->second.tokens;
  } else {
    ++unused_[found->second.begins];
  }
}

std::optional<Instant> RateTokens::next_at(Instant now) const {
  std::optional<Instant> next;
  for (const auto& [until, held] : held_) {
    if (held.tokens > 0 && held.from > now) next = std::min(next.value_or(held.from), held.from);
  }
  return next;
}

std::optional<Instant> RateTokens::lease_at(Instant now, std::size_t waiting) {
  expire(now);
  turn(now);
  if (!unused_.empty()) return now;
  std::optional<Instant> at;
  if (lacking(waiting) > 0) {
    at = std::max(now, not_before_);
    if (leased_ >= policy_.share()) at = std::max(*at, Instant(slot_ * (turn_ + 1)));
  }
  for (const auto& [until, held] : held_) {
    if (held.tokens == 0) continue;
    const Instant in_vain = until - margin_ + std::chrono::nanoseconds(1);
    at = std::min(at.value_or(in_vain), in_vain);
  }
  return at;
}

LeaseRequest RateTokens::wants(Instant now, std::size_t waiting) {
  expire(now);
  turn(now);
  LeaseRequest request;
  const std::int64_t lack = lacking(waiting);
  if (lack > 0 && (now >= not_before_ || !unused_.empty())) {
    const std::int64_t of_late = std::max(used_, used_before_) - held();
    request.wanted =
        std::max<std::int64_t>(0, std::min(std::max(lack, of_late), policy_.share() - leased_));
  }
  for (const auto& [begins, tokens] : unused_) request.unused.push_back({begins, tokens});
  unused_.clear();
  wanted_ = request.wanted;
  return request;
}

// A token is good from when the database's time has surely reached its slot until it may have left
// it: what the round trip leaves open is lost of the token's life, never of the limit.
void RateTokens::add(const RateLease& lease) {
  turn(lease.received);
  std::int64_t granted = 0;
  for (const RateSlot& slot : lease.slots) {
    granted += slot.tokens;
    const Instant from = lease.received + microseconds(slot.begins - lease.answered);
    Instant until = lease.sent + microseconds(slot.begins - lease.arrived) + slot_;
    if (!usable(until, std::max(from, lease.received))) {
      unused_[slot.begins] += slot.tokens;
      continue;
    }
    const auto of_another = [&] {
      const auto known = held_.find(until);
      return known != held_.end() && known->second.begins != slot.begins;
    };
    while (of_another()) until -= std::chrono::nanoseconds(1);
    Held& held = held_.try_emplace(until, Held{slot.begins, from}).first->second;
    held.from = std::max(held.from, from);
    held.tokens += slot.tokens;
  }
  leased_ += granted;
  if (granted >= wanted_) return;
  const Instant next = lease.received + microseconds(lease.next - lease.answered) - slot_;
  not_before_ = std::min<Instant>(next, lease.received + policy_.window / kBeliefOfAWindow);
}

std::int64_t RateTokens::held() const {
  std::int64_t sum = 0;
  for (const auto& [until, held] : held_) sum += held.tokens;
  return sum;
}

std::int64_t RateTokens::lacking(std::size_t waiting) const {
  return asked_ + static_cast<std::int64_t>(waiting) - held();
}

void RateTokens::expire(Instant now) {
  for (auto one = held_.begin(); one != held_.end() && !usable(one->first, now);) {
    Held& held = one->second;
    if (held.tokens > 0) {
      unused_[held.begins] += std::exchange(held.tokens, 0);
      asked_ = 0;  // whoever asked for it did not come for it
    }
    one = one->first + policy_.span() < now ? held_.erase(one) : std::next(one);
  }
}

void RateTokens::turn(Instant now) {
  const std::int64_t turn = now.time_since_epoch() / slot_;
  if (turn == turn_) return;
  used_before_ = turn == turn_ + 1 ? used_ : 0;
  turn_ = turn;
  leased_ = 0;
  used_ = 0;
}

}  // namespace spool::delivery
