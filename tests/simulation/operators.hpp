// People around the engine: operators who give commands, change their mind, and two who want the
// same; hands that publish a dead letter's record again, at any time.
#pragma once

#include "tests/simulation/scene.hpp"

namespace spool::simulation {

class Operators {
 public:
  explicit Operators(Scene& scene) : scene_(scene) {}

  // Perhaps somebody does something, at random. Not while a transaction is open.
  void act();

  // For scripted worlds.
  void ask(const std::string& handler, delivery::CommandKind kind, const std::string& key = {},
           std::int64_t rate = 0);
  void change_mind(std::size_t command, CommandRow::State state);
  void copy(const Announcement& dead, bool to_main);

  // What retention took from a lane that has stopped for it; now and then only the first part.
  void accept_loss(const delivery::LaneId& lane);

 private:
  void post(CommandRow row);
  void tool_replays();

  Scene& scene_;
  std::uint64_t commands_ = 0;
};

}  // namespace spool::simulation
