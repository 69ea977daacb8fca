// A world in which everything happens as it is told: the parts of the random one (real dispatcher
// and executors, simulated broker, database and clock), driven by hand. One handler with one lane.
// Every commit is checked as in the random world; a test adds what its story is about.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/operators.hpp"
#include "tests/simulation/scene.hpp"
#include "tests/simulation/sim_worker.hpp"

namespace spool::simulation {

class ScriptedWorld {
 public:
  // Attempts are followed by `ladder`, in milliseconds.
  explicit ScriptedWorld(const std::string& handler, std::vector<int> ladder = {10, 20},
                         bool hold = false);

  const delivery::LaneId lane;

  // A process begins; the group gives it the lane, and whoever had it does not hear of that yet.
  SimWorker& join();
  // The process ends at once, without a word.
  void kill(SimWorker& worker);
  // Does all there is to do at this time. A process that ends meanwhile is replaced by another.
  void work(SimWorker& worker);
  // Hears of the assignment, takes the lane, fetches; applies nothing.
  void fetch(SimWorker& worker);
  void pass(int milliseconds) { scene_.pass(std::chrono::milliseconds(milliseconds)); }
  void pass_years(int years) { scene_.pass(std::chrono::hours(24) * 365 * years); }

  // Records; the answer is their serial.
  int produce(const Plan& plan);
  int produce_copy(std::size_t offset);
  static Plan healthy(int key);
  static Plan failing(int key, int times);
  static Plan rejected(int key, int heals);

  // Whatever is due comes, until nothing is left to do; then what must hold at rest is checked.
  void rest();

  // Serials, in the order of their effects.
  std::vector<int> effects() const;
  int attempts_of(int serial) const;           // that were made and failed, deaths included
  std::vector<std::string> announced() const;  // "e1 0": id and life, as often as published
  const DeadRow* letter_of(const std::string& id) const;
  LaneTables& tables() { return scene_.database.tables(lane); }
  Scene& scene() { return scene_; }
  Operators& operators() { return operators_; }

 private:
  std::size_t index_of(const SimWorker& worker) const;

  Scene scene_;
  Operators operators_;
  std::vector<std::unique_ptr<SimWorker>> workers_;  // the last has the lane
};

}  // namespace spool::simulation
