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

class Dispatcher {
 public:
  explicit Dispatcher(const LaneLimits& limits) : limits_(limits) {}

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
  std::optional<Work> next_work(Instant now);
  // When next_work() may have something though nothing else happens.
  std::optional<Instant> wake_at() const;
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
    bool dropped = false;  // goes once its job has ended
  };
  struct Handle {
    bool answer_due = false;  // the group waits for an assignment, be it an empty one
    std::optional<Instant> waiting_since;
  };

  LaneLimits limits_;
  // Rows of a dropped lane may still be on their way to Kafka when the group gives the lane back:
  // their answers must not be taken for those of the new one.
  std::uint64_t lanes_made_ = 0;
  std::map<LaneId, Slot> slots_;
  std::map<std::string, Handle> handles_;
  LaneId turn_;  // the lane after which the search for work begins
};

}  // namespace spool::delivery
