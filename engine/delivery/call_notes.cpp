#include "engine/delivery/call_notes.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace spool::delivery {
namespace {

// Takes out of `from` what fulfils the condition, in its order.
template <typename Waiting, typename Condition>
void take_if(std::vector<Waiting>& from, std::vector<ToCall>& into, Condition condition) {
  const auto rest = std::stable_partition(from.begin(), from.end(), condition);
  std::transform(from.begin(), rest, std::back_inserter(into),
                 [](Waiting& one) { return std::move(one.calls); });
  from.erase(from.begin(), rest);
}

}  // namespace

void CallNotes::await(ToCall calls, const LaneMark& mark) {
  const LaneId lane = calls.lane;
  waiting_[lane].push_back({mark, std::move(calls)});
}

bool CallNotes::awaited(const std::string& handler) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const auto& entry) { return entry.first.handler == handler; });
}

std::vector<ToCall> CallNotes::noted(const LaneId& lane, const LaneMark& mark) {
  std::vector<ToCall> free;
  const auto found = waiting_.find(lane);
  if (found == waiting_.end()) return free;
  take_if(found->second, free, [&](const Waiting& one) { return one.mark <= mark; });
  if (found->second.empty()) waiting_.erase(found);
  return free;
}

std::vector<ToCall> CallNotes::late(const std::string& handler, Instant now) {
  std::vector<ToCall> late;
  for (auto& [lane, waiting] : waiting_) {
    if (lane.handler != handler) continue;
    take_if(waiting, late, [&](const Waiting& one) {
      return std::all_of(one.calls.calls.begin(), one.calls.calls.end(),
                         [&](const CallToMake& call) { return call.ticket.begin_by < now; });
    });
  }
  std::erase_if(waiting_, [](const auto& entry) { return entry.second.empty(); });
  return late;
}

std::vector<ToCall> CallNotes::drop(const LaneId& lane) {
  std::vector<ToCall> dropped;
  const auto found = waiting_.find(lane);
  if (found == waiting_.end()) return dropped;
  take_if(found->second, dropped, [](const Waiting&) { return true; });
  waiting_.erase(found);
  return dropped;
}

}  // namespace spool::delivery
