// Calls whose markers are durable, until the consumer group has heard of them: it keeps a lane's
// last marker beside its offset. A database that is set back behind a marker is then behind the
// group's too, so that whoever takes the lane knows that calls may have been made of which no row
// tells. No call leaves before that. And since the group listens to its present members only, a
// process that was away for too long calls nobody. Pure; a part of the dispatcher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "engine/delivery/time.hpp"
#include "engine/handler/perform.hpp"

namespace spool::delivery {

// A call to be made, and until when it may begin and must have ended.
struct CallToMake {
  std::int64_t number = 0;
  handler::CallPtr call;
  bool asks = false;
  handler::Ticket ticket;
  // Where a limit of rate holds: until when its permit lets it begin. Then it needs another one.
  std::optional<Instant> permit_until = {};
};

// Calls whose markers are durable and noted; their ends go to Dispatcher::call_ended().
struct ToCall {
  LaneId lane;
  std::uint64_t generation = 0;
  std::vector<CallToMake> calls;
};

class CallNotes {
 public:
  // `mark`: the transaction that has marked them.
  void await(ToCall calls, const LaneMark& mark);
  bool awaited(const std::string& handler) const;

  // The group knows the lane's transactions up to here: the calls that were marked in them.
  std::vector<ToCall> noted(const LaneId& lane, const LaneMark& mark);
  // Those that could not begin any more, and those of a lane that goes to somebody else.
  std::vector<ToCall> late(const std::string& handler, Instant now);
  std::vector<ToCall> drop(const LaneId& lane);

 private:
  struct Waiting {
    LaneMark mark;
    ToCall calls;
  };
  std::map<LaneId, std::vector<Waiting>> waiting_;  // none is empty
};

}  // namespace spool::delivery
