// All lanes of a worker: which of them has something to do, what the consumers should be fetching,
// and what a revocation still waits for. Pure, like the lanes; the shell guards it with one lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "engine/delivery/breaker.hpp"
#include "engine/delivery/call_budget.hpp"
#include "engine/delivery/call_notes.hpp"
#include "engine/delivery/executor.hpp"
#include "engine/delivery/handler_switch.hpp"
#include "engine/delivery/lane.hpp"

namespace spool::delivery {

// A lane's next job, on its way to a database worker and back.
struct Work {
  LaneId lane;
  std::uint64_t generation = 0;
  Job job;
};

// Where a consumer must fetch a partition from.
struct Placement {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

// Rows to be published; the answers go to Dispatcher::published().
struct ToPublish {
  LaneId lane;
  std::uint64_t generation = 0;
  std::vector<OutboxRow> rows;
};

// How the lanes of one handler are kept.
struct HandlerLanes {
  LaneLimits limits;
  std::vector<std::string> dependencies;  // services whose outage holds them
  // Where the handler performs.
  std::size_t calls_max = 0;  // at once, all lanes together
  std::chrono::milliseconds call_grace{2'000};
  std::chrono::milliseconds call_timeout{30'000};
  CallBudget* budget = nullptr;  // outlives the dispatcher; null: no limit of rate
};

// What the consumer group is to keep of a lane.
struct GroupNote {
  std::int32_t partition = 0;
  std::int64_t next = 0;  // how far the lane is
  LaneMark mark;          // see Lane::mark()
};

// What a finished job leaves others to do.
struct HandOver {
  std::optional<ToPublish> publish;
  bool at_rest = false;  // a handler that come_to_rest() had to wait for
};

class Dispatcher {
 public:
  // Every handler that is ever assigned is among `handlers`.
  explicit Dispatcher(std::map<std::string, HandlerLanes> handlers,
                      const BreakerSettings& breakers = {})
      : handlers_(std::move(handlers)), breakers_(breakers) {}

  // The calls of this handler need a permit of `budget`, which outlives the dispatcher.
  void limit_calls(const std::string& handler, CallBudget& budget) {
    handlers_.at(handler).budget = &budget;
  }

  // The group gave these partitions to us. A lane that still ends its last job from an earlier
  // assignment forgets it.
  void assign(const std::string& handler, std::span<const std::int32_t> partitions);

  // The group takes them back: they start nothing any more. Once quiescent(), or after a deadline,
  // drop() them.
  void revoke(const std::string& handler, std::span<const std::int32_t> partitions);
  void revoke_all(const std::string& handler);
  bool quiescent(const std::string& handler) const;
  void drop_revoked(const std::string& handler);

  // The next job of the lane whose turn it is.
  std::optional<Work> next_work(const Moment& now);
  // When next_work() may have something though nothing else happens.
  std::optional<Instant> wake_at(const Moment& now) const;
  HandOver finish(Work work, Done done, Instant now);
  void published(const LaneId& lane, std::uint64_t generation, std::int64_t number,
                 const base::Status& outcome, Instant now);

  // Of all lanes of the handler that run. Once the group has taken them: what may be called now.
  std::vector<GroupNote> group_notes(const std::string& handler) const;
  std::vector<ToCall> noted(const std::string& handler, std::span<const GroupNote> taken,
                            Instant now);
  // Calls wait for that. Those that wait for too long are not made.
  bool notes_awaited(const std::string& handler) const { return notes_.awaited(handler); }
  void drop_late_calls(const std::string& handler, Instant now);
  // Each call that was handed over ends so, once, whatever has become of its lane meanwhile.
  void call_ended(const LaneId& lane, std::uint64_t generation, std::int64_t number,
                  handler::CallOutcome outcome, Instant now);
  // Nothing more is begun; what is under way is settled.
  void stop_calls() { calls_stopped_ = true; }
  std::size_t calls_under_way(const std::string& handler) const;

  // The whole assignment that the handler's consumer should have now, if it has to change. Lanes
  // that are slow to be taken hold the others up for `patience` at most.
  std::optional<std::vector<Placement>> placement(const std::string& handler, Instant now,
                                                  std::chrono::milliseconds patience);

  // Claims to compare with the database's; hand the same list back with what was seen.
  std::vector<ClaimSeen> claims() const;
  void compare(std::span<const ClaimSeen> asked, std::span<const ClaimSeen> seen);

  // It was away, and answers again: nobody need wait out a backoff.
  void database_is_back();

  // What operators ask of these lanes; a lane that is not named is asked nothing.
  void set_commands(std::span<const LaneCommand> commands);
  std::vector<LaneId> owned() const;

  // What operators have decided of handlers; one that is not named runs. From await_switches() on,
  // until they are told for the first time, every handler is as if paused.
  void await_switches() { switches_awaited_ = true; }
  void set_switches(std::span<const HandlerSwitch> switches);
  bool paused(const std::string& handler, const Moment& now) const;
  // Of a handler that is paused: from when on nothing of what it pauses runs or begins any more. A
  // time that has passed: already. Empty: not before a job ends, which HandOver tells.
  std::optional<Instant> come_to_rest(const std::string& handler);

  const Breakers& breakers() const { return breakers_; }

  Lane* find(const LaneId& lane);
  // Visits every lane that is not revoked.
  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const auto& [id, slot] : slots_) {
      if (!slot.revoked) visit(*slot.lane);
    }
  }

 private:
  // What a call needs before it is marked as begun.
  struct CallPermit {
    std::vector<Breaker::Permit> permits;  // one for each of its handler's dependencies
    bool probe = false;                    // of one of them at least
    Instant begin_by{};
    std::optional<Instant> token = {};  // of the budget, if there is one
  };
  struct Slot {
    std::unique_ptr<Lane> lane;
    bool revoked = false;
    bool dropped = false;        // goes once its job has ended
    bool runs_events = false;    // its job does
    bool runs_suspects = false;  // ... and nothing else may
    bool pausable = false;       // its job is of what a pause holds back
    // Of the job that runs, one for each of its handler's dependencies.
    std::vector<Breaker::Permit> permits = {};
    // Of a job that begins calls: the same for each of its heads, and until when it may begin.
    std::vector<CallPermit> calls = {};
  };
  struct Handle {
    bool answer_due = false;  // the group waits for an assignment, be it an empty one
    std::optional<Instant> waiting_since;
  };

  Gate gate_of(const std::string& handler, const Moment& now);
  std::size_t calls_allowed(const std::string& handler, const HandlerLanes& own, const Gate& gate,
                            Instant now) const;
  bool heads_due(const std::string& handler, const Moment& now) const;
  std::optional<Instant> rests_at(const std::string& handler) const;
  void permit_calls(Slot& slot, const std::string& handler, std::size_t calls, Instant now);
  void judge_call(const std::string& handler, const CallPermit& permit,
                  const handler::CallOutcome& outcome, Instant now);
  void abandon(const std::string& handler, const CallPermit& permit);
  void begin_calls(const Work& work, const Done& done, Slot& slot);
  void return_void_permits(const ToCall& calls, Instant now);
  void give_up(const std::vector<ToCall>& calls, const std::string& why);
  // Who runs events, and who must run theirs alone.
  struct Occupation {
    bool running = false;
    bool suspects_running = false;
    bool suspects_waiting = false;
    bool mark_in_doubt = false;
  };
  Occupation occupation(const Moment& now);
  void admit(Slot& slot, const LaneId& lane, Instant now);
  void judge(Slot& slot, const LaneId& lane, const Done& done, Instant now);
  void finish_job(Lane& lane, Work& work, Done& done, Instant now, HandOver& over);

  void finish_read(Lane& lane, const Work& work, base::Result<std::vector<OutboxRow>> outcome,
                   Instant now, HandOver& over);

  std::map<std::string, HandlerLanes> handlers_;
  Breakers breakers_;
  std::uint64_t commits_ = 0;  // of jobs that ran events
  // Rows of a dropped lane may still be on their way to Kafka when the group gives the lane back:
  // their answers must not be taken for those of the new one.
  std::uint64_t lanes_made_ = 0;
  std::map<LaneId, Slot> slots_;
  std::map<std::string, Handle> handles_;
  // Calls that are out there, of lanes that may be gone.
  using CallId = std::tuple<LaneId, std::uint64_t, std::int64_t>;  // lane, generation, number
  struct UnderWay {
    CallPermit permit;
    bool asks = false;
  };
  std::map<CallId, UnderWay> under_way_;
  CallNotes notes_;                           // for which some of these wait
  std::map<std::string, std::size_t> calls_;  // by handler; those that are being begun included
  bool calls_stopped_ = false;
  std::map<std::string, HandlerSwitch> switches_;
  bool switches_awaited_ = false;
  std::set<std::string> rest_awaited_;  // handlers
  LaneId turn_;                         // the lane after which the search for work begins
};

}  // namespace spool::delivery
