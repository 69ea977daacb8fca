// One process of the engine: the real Dispatcher and Executors, around them what its shells do
// (fetch, publish, compare, follow the group), one small step at a time. A crash ends the object; a
// new one takes its place.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/delivery/dispatcher.hpp"
#include "tests/simulation/scene.hpp"
#include "tests/simulation/sim_store.hpp"

namespace spool::simulation {

// Thrown through the engine when the process dies.
struct WorkerCrash {};

class SimWorker : public delivery::Log, public delivery::Probe {
 public:
  SimWorker(Scene& scene, int index);

  // One thing, at random. Throws WorkerCrash.
  void step();
  // Fetches and applies all it can, as a worker does that nobody disturbs. Throws WorkerCrash.
  void sprint();
  // Everything that there is to do, once.
  void settle();
  // What is on its way to Kafka when the process dies arrives, or does not.
  void die();

  // The group gives the handler these partitions, once the worker comes to hear of it.
  void tell(const std::string& handler, std::vector<std::int32_t> partitions);
  void connection_lost() { connection_.broken = true; }
  // Empty if it does not have the lane.
  std::optional<delivery::PauseReason> pause_reason(const delivery::LaneId& lane);
  bool idle() const;

  base::Result<delivery::LogBounds> bounds(const std::string& topic,
                                           std::int32_t partition) override;
  void reach(const delivery::LaneId& lane, delivery::Point point) override;

 private:
  // One database worker.
  struct Slot {
    std::unique_ptr<delivery::Executor> executor;
    std::optional<delivery::Work> work;
    std::optional<delivery::Done> done;
  };
  struct Fetch {
    std::int64_t offset = 0;
    std::size_t incarnation = 0;
    bool failed = false;
  };
  struct Publication {
    delivery::LaneId lane;
    std::uint64_t generation = 0;
    delivery::OutboxRow row;
    bool appended = false;
  };
  struct Comparison {
    std::vector<delivery::ClaimSeen> asked;
    std::optional<std::vector<delivery::ClaimSeen>> seen;
  };
  struct News {
    std::vector<std::int32_t> partitions;
    bool revoking = false;
  };

  void pick(Slot& slot);
  void execute(Slot& slot);
  void finish(Slot& slot);
  void learn(const std::string& handler, bool patient);
  void place(const std::string& handler);
  void fetch(const delivery::LaneId& lane, Fetch& fetch);
  void fetch_any();
  bool reset_to_earliest(const delivery::LaneId& lane, Fetch& fetch) const;
  void relay(std::size_t index);
  void append(Publication& publication);
  void answer(std::size_t index, const base::Status& outcome);
  void compare();
  void note(const std::string& what);
  Slot& any_slot() { return slots_[scene_.random.below(slots_.size())]; }
  std::string any_handler() { return scene_.random.chance(500) ? "ledger" : "natural"; }

  Scene& scene_;
  int index_;
  Connection connection_;
  SimStore store_;
  std::map<std::string, handler::Handler> handlers_;
  delivery::Dispatcher dispatcher_;
  std::array<Slot, 2> slots_;
  std::map<delivery::LaneId, Fetch> fetches_;
  std::vector<Publication> publications_;
  std::optional<Comparison> comparison_;
  std::map<std::string, News> news_;
};

}  // namespace spool::simulation
