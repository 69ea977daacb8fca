// For tests of the core: an owner of kLane over MemoryStore that runs single jobs, believes what
// their commits tell it, as a lane does, and compares its belief with the tables after each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/delivery/batch_run.hpp"
#include "engine/delivery/calls_run.hpp"
#include "engine/delivery/memory_store_test_support.hpp"
#include "engine/delivery/open_run.hpp"

namespace spool::delivery::test {

class Owner {
 public:
  explicit Owner(handler::Idempotence idempotence = handler::Idempotence::natural,
                 handler::Order order = handler::Order::kafka_key);

  // Of a handler that performs.
  explicit Owner(handler::Handler own);

  // The next events of the log, in one batch.
  RunDone apply(const std::vector<Sent>& events);
  RunDone apply(std::vector<Slice> slices);
  // Every head that is due.
  RunDone drain();
  RunDone drain(const std::vector<HeadRef>& heads);
  base::Result<Committed> awaken();
  // Of a handler that performs: these ends, and every head that is due, at most `heads_max`.
  RunDone calls(std::vector<CallEnd> ends, std::size_t heads_max = 1'000);
  base::Result<Committed> companions(std::map<std::string, std::int64_t> next,
                                     std::vector<ReplayRequest> requests);
  base::Result<Committed> carry_out(CommandKind kind, std::int16_t priority = 0);

  // Takes over what the store has, as the next owner of the lane.
  void inherit();

  Footing footing() const;
  const Held* held(const std::string& key) const { return held_->find(hash_kafka_key(key)); }
  std::optional<base::EpochMicros> next_due() const { return held_->next_due(); }
  std::vector<std::string> applied() const { return store.tables.applied_ids(); }
  // As a dead letter's replay finds it.
  FoundLetter letter(const std::string& id) const;
  OpenRow row(const std::string& id) const { return store.tables.row_of(id)->row; }

  Seen seen;
  MemoryStore store;
  handler::Handler handler;
  Route route;
  Footing limits;  // its bounds are those of every job
  std::size_t calls_of_group_max = 1'000;
  CallCounts under_way;
  base::EpochMicros now = kMorning;
  std::optional<base::EpochMicros> next_scheduled;

 private:
  void take_in(const base::Result<Committed>& outcome);

  BatchRun batch_run_;
  OpenRun open_run_;
  std::unique_ptr<CallsRun> calls_run_;
  Claim claim_;
  std::int64_t next_ = 0;
  std::int64_t next_number_ = 1;
  std::int64_t bytes_ = 0;
  Counters counters_;
  Suspicion suspicion_;
  std::shared_ptr<HeldKeys> held_ = std::make_shared<HeldKeys>();
};

}  // namespace spool::delivery::test
