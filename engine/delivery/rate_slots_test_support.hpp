// What the database answers to leases, said a second time and without a database: for the tests of
// what holds tokens, and for the statement itself to agree with. One test's thread.
#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include "engine/delivery/rate_slots.hpp"

namespace spool::delivery::test {

// How many of `wanted` tokens of the slot that begins then may be granted, after `granted`, by
// begin.
inline std::int64_t grantable(const RatePolicy& policy,
                              const std::map<base::EpochMicros, std::int64_t>& granted,
                              base::EpochMicros begins, std::int64_t wanted) {
  std::int64_t room = policy.requests;
  for (const auto& [other, tokens] : granted) {
    if (other + policy.slot().count() > begins - policy.span().count()) room -= tokens;
  }
  return std::clamp<std::int64_t>(room, 0, wanted);
}

class RateLedger {
 public:
  explicit RateLedger(const RatePolicy& policy,
                      std::map<base::EpochMicros, std::int64_t> granted = {})
      : policy_(policy), granted_(std::move(granted)) {}

  // The lease at this moment of the database, without the clocks of the worker.
  RateLease lease(const LeaseRequest& request, base::EpochMicros now) {
    const std::int64_t slot = policy_.slot().count();
    for (const RateSlot& unused : request.unused) {
      const auto found = granted_.find(unused.begins);
      if (found == granted_.end()) continue;
      found->second -= std::min(unused.tokens, found->second);
      if (found->second == 0) granted_.erase(found);
    }
    std::erase_if(granted_, [&](const auto& one) {
      return one.first + slot <= now - 2 * policy_.span().count();
    });
    RateLease lease;
    lease.arrived = lease.answered = now;
    std::int64_t missing = request.wanted;
    base::EpochMicros begins = (now + slot / 4) / slot * slot;
    for (; missing > 0; begins += slot) {
      const std::int64_t tokens = grantable(policy_, granted_, begins, missing);
      if (tokens == 0) continue;
      if (begins > now + 4 * slot) {
        lease.next = begins;
        break;
      }
      granted_[begins] += tokens;
      missing -= tokens;
      lease.slots.push_back({begins, tokens});
    }
    return lease;
  }

 private:
  RatePolicy policy_;
  std::map<base::EpochMicros, std::int64_t> granted_;
};

}  // namespace spool::delivery::test
