// What a lane asks to be done, one job at a time, and what it hears of it. A job carries everything
// that the lane believes and the job needs: while it runs, nobody changes that.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/delivery/commands.hpp"
#include "engine/delivery/held_keys.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/suspicion.hpp"
#include "engine/delivery/time.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::delivery {

// Records that arrived together. `end`: the offset after them, a known gap at their tail included.
struct Slice {
  message::RecordBatch records;
  std::int64_t end = 0;
  Instant arrived{};
};

// How many more events may be held. A batch stops before the event that would not fit.
struct Room {
  std::int64_t events = std::numeric_limits<std::int64_t>::max();
  std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
  std::int64_t of_a_key = std::numeric_limits<std::int64_t>::max();  // in all, not more
};

// What every job that runs events stands on.
struct Footing {
  Claim claim;
  std::int64_t next = 0;  // the lane's position
  std::shared_ptr<const HeldKeys> held;
  std::int64_t next_number = 1;  // of open events
  Suspicion suspicion;
  Room room;
  std::size_t events_max = 0;    // in one transaction
  std::int64_t doubt_below = 0;  // see LaneState
  base::EpochMicros doubt_until = 0;
  std::int64_t deaths_max = std::numeric_limits<std::int64_t>::max();
  // One event that is too slow even alone has failed; else slowness is nobody's fault.
  bool blame_slow = false;
};

struct TakeJob {};

// Records of the main topic.
struct ApplyJob {
  Footing footing;
  std::vector<Slice> slices;
  std::int64_t to() const { return slices.back().end; }
};

// Heads that are due, and what waits behind them.
struct DrainJob {
  Footing footing;
  std::vector<HeadRef> heads;
  std::size_t bytes_max = 0;
};

// Scheduled events that are due take their place in the order.
struct AwakenJob {
  Footing footing;
};

// What a call brought back.
struct CallEnd {
  std::int64_t number = 0;  // of the head
  handler::CallOutcome outcome;
  bool asked = false;   // it was asked about, not performed
  bool charged = true;  // false: its failure uses up no attempt
};

// How many calls of a group (of one Kafka key) are under way.
using CallCounts = std::unordered_map<KeyHash, std::size_t, KeyHashOf>;

// Calls that have ended are settled, and heads whose turn has come are begun.
struct CallsJob {
  Footing footing;
  std::vector<CallEnd> ends;
  std::vector<HeadRef> heads;
  CallCounts under_way;
  std::size_t of_group_max = 0;
};

// A head that is marked as begun and is to be called.
struct BegunCall {
  std::int64_t number = 0;
  KeyHash key;
  KeyHash group;
  handler::CallPtr call;
  bool asks = false;  // what became of it, instead of performing it
};

// What came in from the retry topics: positions to remember, and records of dead letters that
// somebody published by hand.
struct CompanionsJob {
  Footing footing;
  std::map<std::string, std::int64_t> next;
  std::vector<ReplayRequest> requests;
};

struct CommandJob {
  Footing footing;
  Command command;
  std::size_t page_max = 0;
  bool position_lost = false;  // the lane stands still for it
};

struct ReadOutboxJob {
  std::size_t rows_max = 0;
};
struct SettleOutboxJob {
  Claim claim;
  std::vector<std::int64_t> published;
  std::vector<RefusedRow> refused;
};
struct MarkStoppedJob {
  Claim claim;
  std::string reason;
  std::string detail;
};
// The lane goes to somebody else, in good order.
struct LetGoJob {
  Claim claim;
};

using Job = std::variant<TakeJob, ApplyJob, DrainJob, AwakenJob, CallsJob, CompanionsJob,
                         CommandJob, ReadOutboxJob, SettleOutboxJob, MarkStoppedJob, LetGoJob>;

// What a job that went well has changed.
struct Taken {
  LaneState state;
  LogBounds bounds;
};
struct Committed {
  Claim claim;      // as the commit left it
  Advance advance;  // of a job without records: no way, but counters
  OpenChange open;
  Suspicion suspicion;
  bool outbox_written = false;
  // Not all of the job's events were tried: there is no room for what they would hold.
  bool no_room = false;
  // A command: its page was not the last.
  bool more = false;
  std::int64_t deaths = 0;       // attempts that ended so
  std::int64_t survived = 0;     // ... or otherwise
  std::int64_t revived = 0;      // dead letters that began a new life
  std::int64_t targeted = 0;     // of a command: events of the page
  CommandCount count;            // ... and what became of them
  std::vector<BegunCall> begun;  // of a CallsJob
  // A loss was accepted: the lane must be taken again from where its position is now.
  bool moved = false;
  std::string refusal;  // ... or why it was not
};

}  // namespace spool::delivery
