#include "tests/simulation/museum/scripted_world.hpp"

#include <algorithm>

namespace spool::simulation {
namespace {

constexpr int kRoundsMax = 500;

Swarm told(const std::string& handler, const std::vector<int>& ladder, bool hold) {
  Swarm swarm;
  swarm.handlers = {handler};
  swarm.hold = hold;
  swarm.ladder.clear();
  for (const int delay : ladder) swarm.ladder.emplace_back(delay);
  return swarm;
}

}  // namespace

ScriptedWorld::ScriptedWorld(const std::string& handler, std::vector<int> ladder, bool hold)
    : lane{handler, 0}, scene_(told(handler, ladder, hold), Plant::none), operators_(scene_) {
  scene_.faults.on = false;
}

SimWorker& ScriptedWorld::join() {
  workers_.push_back(std::make_unique<SimWorker>(scene_, static_cast<int>(workers_.size())));
  workers_.back()->tell(lane.handler, {0});
  return *workers_.back();
}

std::size_t ScriptedWorld::index_of(const SimWorker& worker) const {
  const auto at = std::find_if(workers_.begin(), workers_.end(),
                               [&](const auto& other) { return other.get() == &worker; });
  return static_cast<std::size_t>(at - workers_.begin());
}

void ScriptedWorld::kill(SimWorker& worker) {
  workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index_of(worker)));
}

void ScriptedWorld::work(SimWorker& worker) {
  SimWorker* running = &worker;
  for (int round = 0; round < 10; ++round) {
    try {
      running->settle();
      running->check_memory();
    } catch (const WorkerCrash&) {
      kill(*running);
      running = &join();
    }
  }
}

void ScriptedWorld::fetch(SimWorker& worker) {
  worker.learn_now(lane.handler);
  while (worker.lane(lane) == nullptr || worker.lane(lane)->phase() == delivery::LanePhase::untaken)
    worker.run_one();
  worker.place(lane.handler);
  for (int i = 0; i < 10; ++i) worker.fetch_all();
}

int ScriptedWorld::produce(const Plan& plan) {
  return scene_.broker.append(lane, plan).serial;
}

int ScriptedWorld::produce_copy(std::size_t offset) {
  return scene_.broker.append_copy(lane, offset).serial;
}

Plan ScriptedWorld::healthy(int key) {
  Plan plan;
  plan.key = key;
  return plan;
}

Plan ScriptedWorld::failing(int key, int times) {
  Plan plan = healthy(key);
  plan.nature = Nature::transient;
  plan.fails = times;
  return plan;
}

Plan ScriptedWorld::rejected(int key, int heals) {
  Plan plan = healthy(key);
  plan.nature = Nature::rejected;
  plan.heals = heals;
  return plan;
}

void ScriptedWorld::rest() {
  // Those that lost the lane hear of it at last.
  for (std::size_t i = 0; i + 1 < workers_.size(); ++i) {
    workers_[i]->finish_all();
    workers_[i]->tell(lane.handler, {});
  }
  for (int round = 0; round < kRoundsMax; ++round) {
    for (std::size_t i = 0; i < workers_.size(); ++i) work(*workers_[i]);
    delivery::Instant wake = scene_.now() + std::chrono::milliseconds(100);
    for (const auto& worker : workers_) {
      if (const auto at = worker->wake_at()) wake = std::min(wake, *at);
    }
    const auto time = std::chrono::ceil<std::chrono::microseconds>(wake - scene_.now());
    scene_.pass(std::max(time, std::chrono::microseconds(1)));
    scene_.checkers.check_announcements();
    const auto& open = tables().open;
    const bool acts = std::any_of(open.begin(), open.end(), [](const auto& entry) {
      return entry.second.row.state == delivery::OpenState::head ||
             entry.second.row.state == delivery::OpenState::scheduled;
    });
    const bool done = tables().row && tables().row->next == scene_.broker.log(lane).high();
    if (round > 5 && done && !acts && tables().outbox.empty()) break;
  }
  scene_.checkers.check_end([this](const delivery::LaneId& id) {
    return workers_.back()->pause_reason(id).value_or(delivery::PauseReason::none);
  });
}

std::vector<int> ScriptedWorld::effects() const {
  std::vector<int> serials;
  for (const Deed& deed : scene_.database.tables(lane).deeds) {
    if (deed.kind == Deed::Kind::applied) serials.push_back(deed.serial);
  }
  return serials;
}

int ScriptedWorld::attempts_of(int serial) const {
  int attempts = 0;
  for (const Deed& deed : scene_.database.tables(lane).deeds) {
    const bool counts = deed.kind == Deed::Kind::failed || deed.kind == Deed::Kind::died;
    if (deed.serial == serial && counts) ++attempts;
  }
  return attempts;
}

std::vector<std::string> ScriptedWorld::announced() const {
  std::vector<std::string> letters;
  for (const Announcement& dead : scene_.broker.dead_letters())
    letters.push_back(dead.letter.identity.id + " " + std::to_string(dead.letter.life));
  return letters;
}

const DeadRow* ScriptedWorld::letter_of(const std::string& id) const {
  const auto& dead = scene_.database.tables(lane).dead;
  const auto letter = dead.find({kSource, id});
  return letter == dead.end() ? nullptr : &letter->second;
}

}  // namespace spool::simulation
