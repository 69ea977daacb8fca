// One process of the engine: the real Dispatcher and Executors, around them what its shells do
// (fetch, publish, compare, follow the group, read retry topics and commands), one small step at a
// time. A crash ends the object; a new one takes its place.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/delivery/dispatcher.hpp"
#include "engine/message/envelope.hpp"
#include "tests/simulation/scene.hpp"
#include "tests/simulation/sim_budget.hpp"
#include "tests/simulation/sim_caller.hpp"
#include "tests/simulation/sim_store.hpp"

namespace spool::simulation {

class SimWorker : public delivery::Log, public delivery::Probe {
 public:
  SimWorker(Scene& scene, int index);

  // One thing, at random. Throws WorkerCrash, as the two below.
  void step();
  // Fetches and applies all it can, as a worker does that nobody disturbs.
  void sprint();
  // Everything that there is to do, once; then asks itself whether it would sleep.
  void settle();
  // What is on its way to Kafka when the process dies arrives, or does not.
  void die();
  // It is about to end, or has: notes of the marks that it has made whether they tell the truth.
  // `company`: another worker of the same process runs events.
  void witness(bool company);
  bool runs_events() const { return !process_.runs.empty(); }
  // Its process ends with what it does next.
  void doom() { process_.doomed = true; }
  // It is to end in good order, and can.
  void stop();
  bool stopping() const { return stopping_; }
  // It does not move before that.
  void freeze(delivery::Instant until) { frozen_until_ = until; }
  bool frozen() const { return scene_.now() < frozen_until_; }
  bool stopped() const;
  const auto& killer() const { return process_.killer; }

  // The group gives the handler these partitions, once the worker comes to hear of it.
  void tell(const std::string& handler, std::vector<std::int32_t> partitions);
  void connection_lost() { process_.broken = true; }
  // Empty if it does not have the lane.
  std::optional<delivery::PauseReason> pause_reason(const delivery::LaneId& lane);
  bool idle() const;
  // When it has something to do though nothing else happens, on the world's clock.
  std::optional<delivery::Instant> wake_at() const;
  // What its lanes believe, as far as the database agrees that they are its own. Throws Violation.
  void check_memory();

  base::Result<delivery::LogBounds> bounds(const std::string& topic,
                                           std::int32_t partition) override;
  base::Result<delivery::LaneMark> witnessed(const delivery::LaneId& lane) override;
  void reach(const delivery::LaneId& lane, delivery::Point point) override;

  // The steps that it is made of, for scripted worlds.
  void join();  // hears of its partitions, and serves them
  void learn_now(const std::string& handler) { learn(handler, false); }
  void place(const std::string& handler);
  void fetch_all();
  bool run_one();     // picks, executes and finishes one job, if there is any
  bool pick_one();    // ... only picks it
  bool begin_one();   // ... picks and executes it, without hearing how it ended
  void finish_all();  // ... hears it
  void publish_all();
  void read_all_companions();
  void poll_commands();
  void compare_now();
  const delivery::Lane* lane(const delivery::LaneId& id) { return dispatcher_.find(id); }
  // It was given to somebody else, and this process does not know yet.
  bool lost(const delivery::LaneId& id) const { return news_.contains(id.handler); }

 private:
  // One database worker.
  struct Slot {
    std::unique_ptr<delivery::Executor> executor;
    std::optional<delivery::Work> work;
    std::optional<delivery::Done> done;
    bool executing = false;
    bool probe = false;  // the calls that it begins are to find out whether the service is back
  };
  // A call that was handed over.
  struct CallOut {
    delivery::LaneId lane;
    std::uint64_t generation = 0;
    std::int64_t number = 0;
    bool asks = false;
    bool probe = false;
  };
  struct Fetch {
    std::int64_t offset = 0;
    std::size_t incarnation = 0;
    bool failed = false;
  };
  struct Reading {
    std::uint64_t generation = 0;
    std::map<std::string, std::int64_t> next;
    std::vector<delivery::ReplayRequest> later;  // only with Plant::requests_later
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
  // What the group has taken, and we have not heard yet.
  struct Answered {
    std::string handler;
    std::vector<delivery::GroupNote> taken;
  };
  struct News {
    std::vector<std::int32_t> partitions;
    bool revoking = false;
  };

  delivery::Moment moment() const;
  void pick(Slot& slot);
  void execute(Slot& slot);
  void finish(Slot& slot);
  void hand_back(const delivery::LaneId& lane);
  bool work_all();  // false: there is more
  void check_alarm();
  void learn(const std::string& handler, bool patient);
  void fetch(const delivery::LaneId& lane, Fetch& fetch);
  void fetch_any();
  bool reset_to_earliest(const delivery::LaneId& lane, Fetch& fetch) const;
  void read_companions(const delivery::LaneId& lane);
  void read_companion(delivery::Lane& mine, Reading& reading, const std::string& topic,
                      const RetryLog& log);
  std::optional<delivery::ReplayRequest> request_in(const message::Record& record);
  void relay(std::size_t index);
  void append(Publication& publication);
  void answer(std::size_t index, const base::Status& outcome);
  void compare();
  void check_lane(const delivery::Lane& mine, const LaneTables& tables);
  bool probing() const;
  void tell_group(const std::string& handler);
  void hear_group();
  void converse_with_group();
  void hand_over(delivery::ToCall to_call);
  void hear(CallOut out, handler::CallOutcome outcome);
  void note_begun(const delivery::LaneId& lane, std::uint64_t generation,
                  const std::vector<delivery::BegunCall>& begun, bool probe);
  void note_settling(const delivery::Work& work);
  void note(const std::string& what);
  Slot& any_slot() { return slots_[scene_.random.below(slots_.size())]; }
  const std::string& any_handler() {
    return scene_.swarm.handlers[scene_.random.below(scene_.swarm.handlers.size())];
  }

  Scene& scene_;
  int index_;
  Process process_;
  SimStore store_;
  std::chrono::milliseconds clock_off_;
  base::EpochMicros hastened_ = 0;  // only with Plant::record_hastens
  std::map<std::string, handler::Handler> handlers_;
  SimBudget budget_;
  delivery::Dispatcher dispatcher_;
  SimCaller caller_;
  std::map<std::pair<delivery::LaneId, std::int64_t>, std::uint64_t> newest_out_;  // generations
  std::set<std::tuple<delivery::LaneId, std::uint64_t, std::int64_t>> probes_;
  std::vector<Answered> answered_;
  bool stopping_ = false;
  delivery::Instant frozen_until_{};
  std::array<Slot, 2> slots_;
  std::map<delivery::LaneId, Fetch> fetches_;
  std::map<delivery::LaneId, Reading> readings_;
  message::EnvelopeReader reader_;
  std::vector<Publication> publications_;
  std::optional<Comparison> comparison_;
  std::map<std::string, News> news_;
};

}  // namespace spool::simulation
