// A world of workers around one broker and one database, driven by a seed: first anything may
// happen, then nothing fails any more and everything must come to rest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/operators.hpp"
#include "tests/simulation/scene.hpp"
#include "tests/simulation/sim_worker.hpp"

namespace spool::simulation {

struct Outcome {
  std::optional<std::string> violation;
  std::vector<std::string> trace;  // empty unless asked for
  std::int64_t records = 0;
  std::int64_t deeds = 0;
};

Outcome simulate(std::uint64_t seed, Plant plant, bool traced);

class World {
 public:
  World(std::uint64_t seed, Plant plant, bool traced);

  // Throws Violation.
  void run();
  Scene& scene() { return scene_; }

 private:
  void step();
  void produce(const delivery::LaneId& lane);
  void step_worker(std::size_t index, void (SimWorker::*what)());
  void end_process(std::size_t index);
  void strike_database();
  void fail_over();
  bool has_loser(const delivery::LaneId& lane);
  bool shows_loser(const delivery::LaneId& lane);
  void stop_somebody();
  void let_time_pass();
  void exile_somebody();
  void age_log(const delivery::LaneId& lane);
  bool recognisable(const delivery::LaneId& lane);
  void crash_database();
  void interleave(int busy);
  void reassign();
  void come_to_rest();
  void tell_what_is_open();
  void sleep();
  std::int64_t progress();
  void check();
  bool at_rest();
  bool lane_rests(const delivery::LaneId& lane);
  // What the lane's owner says.
  delivery::PauseReason pause_reason(const delivery::LaneId& lane);

  Scene scene_;
  Operators operators_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  bool rebalance_due_ = false;
  int restored_ = 0;  // more than 0: not long ago
  bool interleaving_ = false;
  std::size_t busy_ = 0;  // whoever is in the middle of something, if interleaving
};

}  // namespace spool::simulation
