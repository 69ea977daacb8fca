#include "tests/simulation/world.hpp"

#include <map>

namespace spool::simulation {
namespace {

constexpr int kRoundsMax = 400;  // of the quiet phase
constexpr int kRebalanceAfterCrash = 100;
constexpr int kDatabaseBack = 50;

}  // namespace

World::World(std::uint64_t seed, Plant plant, bool traced) : scene_(seed, plant, traced) {
  scene_.interleave = [this](int busy) { interleave(busy); };
  scene_.crash_database = [this] { crash_database(); };
  for (int i = 0; i < scene_.swarm.workers; ++i)
    workers_.push_back(std::make_unique<SimWorker>(scene_, i));
  reassign();
}

void World::run() {
  for (int i = 0; i < scene_.swarm.steps; ++i) {
    step();
    scene_.checkers.check_announcements();
  }
  come_to_rest();
  scene_.checkers.check_end([this](const delivery::LaneId& lane) { return pause_reason(lane); });
}

void World::step() {
  Random& random = scene_.random;
  const Swarm& swarm = scene_.swarm;
  scene_.now += std::chrono::milliseconds(random.between(0, 10));
  const auto& lane = scene_.broker.lanes()[random.below(scene_.broker.lanes().size())];
  if (random.chance(swarm.produce)) scene_.broker.produce(lane);
  if (random.chance(swarm.reassign) || (rebalance_due_ && random.chance(kRebalanceAfterCrash)))
    reassign();
  strike_database();
  age_log(lane);
  step_worker(random.below(workers_.size()), &SimWorker::step);
}

void World::step_worker(std::size_t index, void (SimWorker::*what)()) {
  try {
    (workers_[index].get()->*what)();
  } catch (const WorkerCrash&) {
    workers_[index]->die();
    workers_[index] = std::make_unique<SimWorker>(scene_, static_cast<int>(index));
    rebalance_due_ = true;
  }
}

void World::strike_database() {
  Random& random = scene_.random;
  const Swarm& swarm = scene_.swarm;
  if (random.chance(swarm.flush)) scene_.database.flush();
  if (random.chance(swarm.database_crash)) crash_database();
  if (random.chance(swarm.failover)) {
    if (scene_.trace.on()) scene_.trace.add("failover to a replica that is behind");
    scene_.database.fail_over(static_cast<std::size_t>(random.between(0, 8)));
  }
  if (scene_.faults.database_down) {
    scene_.faults.database_down = !random.chance(kDatabaseBack);
  } else {
    scene_.faults.database_down = random.chance(swarm.database_down);
  }
}

void World::age_log(const delivery::LaneId& lane) {
  Random& random = scene_.random;
  if (random.chance(scene_.swarm.retention)) {
    scene_.broker.retain(lane);
    if (scene_.trace.on())
      scene_.trace.add("retention: " + to_text(lane) + " begins at " +
                       std::to_string(scene_.broker.log(lane).low));
  }
  const auto& row = scene_.database.tables(lane).row;
  const bool recognisable = row && row->last_timestamp_ms >= 0;
  if (recognisable && random.chance(scene_.swarm.recreate)) {
    scene_.database.flush();
    scene_.broker.recreate(lane);
    if (scene_.trace.on())
      scene_.trace.add(to_text(lane) + " is made again, with " +
                       std::to_string(scene_.broker.log(lane).high()) + " records");
  }
}

void World::crash_database() {
  if (scene_.trace.on()) scene_.trace.add("the database crashes");
  scene_.database.crash();
  for (auto& worker : workers_) {
    if (!scene_.random.chance(scene_.swarm.unnoticed)) worker->connection_lost();
  }
}

void World::interleave(int busy) {
  if (interleaving_ || workers_.size() < 2) return;
  interleaving_ = true;
  if (scene_.random.chance(300)) reassign();
  Random& random = scene_.random;
  const int steps = random.between(1, 12);
  for (int i = 0; i < steps; ++i) {
    const auto& lanes = scene_.broker.lanes();
    if (random.chance(scene_.swarm.produce))
      scene_.broker.produce(lanes[random.below(lanes.size())]);
    const std::size_t other = random.below(workers_.size());
    if (other == static_cast<std::size_t>(busy)) continue;
    step_worker(other, random.chance(200) ? &SimWorker::sprint : &SimWorker::step);
  }
  interleaving_ = false;
}

void World::reassign() {
  rebalance_due_ = false;
  std::map<std::pair<std::string, std::size_t>, std::vector<std::int32_t>> shares;
  for (const auto& lane : scene_.broker.lanes()) {
    const std::size_t owner = scene_.random.below(workers_.size());
    shares[{lane.handler, owner}].push_back(lane.partition);
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    for (const char* handler : {"ledger", "natural"})
      workers_[i]->tell(handler, shares[{handler, i}]);
  }
  if (scene_.trace.on()) scene_.trace.add("the group shares its partitions out anew");
}

delivery::PauseReason World::pause_reason(const delivery::LaneId& lane) {
  for (auto& worker : workers_) {
    if (const auto reason = worker->pause_reason(lane)) return *reason;
  }
  return delivery::PauseReason::none;
}

bool World::at_rest() {
  for (auto& worker : workers_) {
    if (!worker->idle()) return false;
  }
  for (const auto& lane : scene_.broker.lanes()) {
    const LaneTables& tables = scene_.database.tables(lane);
    if (!tables.row) return false;
    const bool stopped =
        pause_reason(lane) == delivery::PauseReason::position_lost && !tables.row->stopped.empty();
    if (!stopped && tables.row->next != scene_.broker.log(lane).high()) return false;
    for (const auto& [number, entry] : tables.outbox) {
      if (entry.error.empty()) return false;
    }
  }
  return true;
}

void World::come_to_rest() {
  scene_.faults.on = false;
  scene_.trace.add("nothing fails any more");
  if (rebalance_due_) reassign();
  for (int round = 0; round < kRoundsMax; ++round) {
    scene_.now += std::chrono::milliseconds(100);
    for (auto& worker : workers_) worker->settle();
    scene_.checkers.check_announcements();
    // A few rounds more: what rests must not begin to move again.
    if (round >= 10 && at_rest()) return;
  }
  scene_.checkers.check_end([this](const delivery::LaneId& lane) { return pause_reason(lane); });
  throw Violation("the world does not come to rest");
}

Outcome simulate(std::uint64_t seed, Plant plant, bool traced) {
  World world(seed, plant, traced);
  Outcome outcome;
  try {
    world.run();
  } catch (const Violation& violation) {
    outcome.violation = violation.what();
  }
  for (const auto& lane : world.scene().broker.lanes())
    outcome.records += world.scene().broker.origin(lane).high();
  outcome.trace = world.scene().trace.lines();
  return outcome;
}

}  // namespace spool::simulation
