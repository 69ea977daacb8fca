// All lanes of a worker: which of them has something to do, what the consumers should be fetching,
// and what a revocation still waits for. Pure, like the lanes; the shell guards it with one lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/delivery/breaker.hpp"
#include "engine/delivery/executor.hpp"
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
};

class Dispatcher {
 public:
  // Every handler that is ever assigned is among `handlers`.
  explicit Dispatcher(std::map<std::string, HandlerLanes> handlers,
                      const BreakerSettings& breakers = {})
      : handlers_(std::move(handlers)), breakers_(breakers) {}

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
  std::optional<ToPublish> finish(Work work, Done done, Instant now);
  void published(const LaneId& lane, std::uint64_t generation, std::int64_t number,
                 const base::Status& outcome, Instant now);

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
  struct Slot {
    std::unique_ptr<Lane> lane;
    bool revoked = false;
    bool dropped = false;        // goes once its job has ended
    bool runs_events = false;    // its job does
    bool runs_suspects = false;  // ... and nothing else may
    // Of the job that runs, one for each of its handler's dependencies.
    std::vector<Breaker::Permit> permits = {};
  };
  struct Handle {
    bool answer_due = false;  // the group waits for an assignment, be it an empty one
    std::optional<Instant> waiting_since;
  };

  Gate gate_of(const std::string& handler, Instant now);
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
  void finish_job(Lane& lane, Work& work, Done& done, Instant now,
                  std::optional<ToPublish>& to_publish);

  void finish_read(Lane& lane, const Work& work, base::Result<std::vector<OutboxRow>> outcome,
                   Instant now, std::optional<ToPublish>& to_publish);

  std::map<std::string, HandlerLanes> handlers_;
  Breakers breakers_;
  std::uint64_t commits_ = 0;  // of jobs that ran events
  // Rows of a dropped lane may still be on their way to Kafka when the group gives the lane back:
  // their answers must not be taken for those of the new one.
  std::uint64_t lanes_made_ = 0;
  std::map<LaneId, Slot> slots_;
  std::map<std::string, Handle> handles_;
  LaneId turn_;  // the lane after which the search for work begins
};

}  // namespace spool::delivery
