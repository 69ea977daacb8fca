#include "engine/delivery/lane_calls.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {

void LaneCalls::began(const BegunCall& call) {
  const bool fresh = calls_.emplace(call.number, call.group).second;
  SPOOL_ASSERT(fresh, "an event that is called twice at once");
  ++groups_[call.group];
}

void LaneCalls::ended(CallEnd end) {
  if (calls_.contains(end.number)) ends_.push_back(std::move(end));
}

std::vector<CallEnd> LaneCalls::take_ends(std::size_t ends_max) {
  if (ends_.size() <= ends_max) return std::exchange(ends_, {});
  const auto last = ends_.begin() + static_cast<std::ptrdiff_t>(ends_max);
  std::vector<CallEnd> taken(std::make_move_iterator(ends_.begin()), std::make_move_iterator(last));
  ends_.erase(ends_.begin(), last);
  return taken;
}

void LaneCalls::put_back(std::vector<CallEnd> ends) {
  ends_.insert(ends_.begin(), std::make_move_iterator(ends.begin()),
               std::make_move_iterator(ends.end()));
}

void LaneCalls::settled(const std::vector<CallEnd>& ends) {
  for (const CallEnd& end : ends) {
    const auto call = calls_.find(end.number);
    SPOOL_ASSERT(call != calls_.end(), "the end of a call that was not begun");
    if (--groups_.at(call->second) == 0) groups_.erase(call->second);
    calls_.erase(call);
  }
}

std::size_t LaneCalls::of_group(const KeyHash& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second;
}

void LaneCalls::clear() {
  calls_.clear();
  groups_.clear();
  ends_.clear();
}

}  // namespace spool::delivery
