// The calls of a lane whose handler performs: which are out there, and what came back and is not
// settled yet. Pure; a part of its lane, and forgotten with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "engine/delivery/jobs.hpp"

namespace spool::delivery {

class LaneCalls {
 public:
  void began(const BegunCall& call);
  // An end of a call that is not ours any more is nobody's.
  void ended(CallEnd end);

  bool ends_waiting() const { return !ends_.empty(); }
  std::vector<CallEnd> take_ends(std::size_t ends_max);
  void put_back(std::vector<CallEnd> ends);
  // Once these are settled.
  void settled(const std::vector<CallEnd>& ends);

  // Begun and not settled.
  std::size_t unsettled() const { return calls_.size(); }
  std::size_t of_group(const KeyHash& group) const;
  const CallCounts& by_group() const { return groups_; }
  void clear();

 private:
  std::map<std::int64_t, KeyHash> calls_;  // their groups, by number
  CallCounts groups_;
  std::vector<CallEnd> ends_;
};

}  // namespace spool::delivery
