// What befalls a world: databases that go away, come back older, or crash; workers that stand still
// or stop.
#include <algorithm>
#include <map>

#include "tests/simulation/world.hpp"

namespace spool::simulation {
namespace {

constexpr int kDatabaseBack = 50;
constexpr int kAfterRestore = 60;  // steps

}  // namespace

void World::strike_database() {
  Random& random = scene_.random;
  const Swarm& swarm = scene_.swarm;
  if (random.chance(swarm.flush)) scene_.database.flush();
  if (random.chance(swarm.database_crash)) crash_database();
  if (random.chance(swarm.failover)) fail_over();
  if (scene_.faults.database_down) {
    scene_.faults.database_down = !random.chance(kDatabaseBack);
  } else {
    scene_.faults.database_down = random.chance(swarm.database_down);
  }
}

void World::fail_over() {
  if (scene_.trace.on()) scene_.trace.add("failover to a replica that is behind");
  int transactions = scene_.random.between(0, 8);
  if (scene_.swarm.performs()) transactions += scene_.calls_random.between(0, 20);
  // Worst is a replica that still shows the claim of somebody who has lost the lane since.
  std::vector<delivery::LaneId> taken;
  if (scene_.swarm.performs() && scene_.calls_random.chance(700)) {
    for (const auto& lane : scene_.broker.lanes())
      if (!shows_loser(lane) && has_loser(lane)) taken.push_back(lane);
  }
  if (!taken.empty()) transactions = 100;
  const auto far_enough = [&] {
    return std::any_of(taken.begin(), taken.end(),
                       [this](const auto& lane) { return shows_loser(lane); });
  };
  scene_.database.fail_over(static_cast<std::size_t>(transactions), far_enough);
  restored_ = kAfterRestore;
}

bool World::has_loser(const delivery::LaneId& lane) {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    const delivery::Lane* theirs = worker->lane(lane);
    return theirs != nullptr && worker->lost(lane) &&
           theirs->phase() == delivery::LanePhase::running;
  });
}

bool World::shows_loser(const delivery::LaneId& lane) {
  const auto& row = scene_.database.tables(lane).row;
  return row && std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
           const delivery::Lane* theirs = worker->lane(lane);
           return theirs != nullptr && worker->lost(lane) && theirs->claim() == row->claim;
         });
}

// The group gives everything to another one, and somebody does not know yet. Then the database goes
// back, and he is the first to go on.
void World::exile_somebody() {
  Random& random = scene_.calls_random;
  const std::size_t exile = random.below(workers_.size());
  const std::size_t heir = (exile + 1) % workers_.size();
  std::map<std::string, std::vector<std::int32_t>> all;
  for (const auto& lane : scene_.broker.lanes()) all[lane.handler].push_back(lane.partition);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    for (const auto& [handler, partitions] : all)
      workers_[i]->tell(handler, i == heir ? partitions : std::vector<std::int32_t>());
  }
  if (scene_.trace.on()) scene_.trace.add("the group gives everything to w" + std::to_string(heir));
  for (int i = random.between(2, 8); i > 0; --i) {
    step_worker(heir, &SimWorker::join);
    step_worker(heir, &SimWorker::sprint);
  }
  fail_over();
  // He counts on, perhaps beyond what the heir has come to.
  for (int i = random.between(1, 40); i > 0; --i) {
    for (const auto& lane : scene_.broker.lanes())
      if (lane.handler == kCalls) produce(lane);
    step_worker(exile, &SimWorker::sprint);
  }
}

// Calls take long, and longer still is the time for which they may be in doubt.
void World::let_time_pass() {
  Random& random = scene_.calls_random;
  const bool may_exile = scene_.swarm.failover > 0 && workers_.size() > 1 && scene_.faults.on;
  if (may_exile && random.chance(10)) exile_somebody();
  const bool soon_after = restored_ > 0 && --restored_ > 0 && random.chance(30);
  if (random.chance(scene_.swarm.freeze) || soon_after) {
    const auto time = std::chrono::milliseconds(random.between(300, 2'500));
    SimWorker& somebody = *workers_[random.below(workers_.size())];
    if (random.chance(500)) return scene_.pass(time);
    if (workers_.size() > 1) somebody.freeze(scene_.now() + time);
  }
  const bool waits = std::any_of(workers_.begin(), workers_.end(),
                                 [](const auto& worker) { return worker->frozen(); });
  if (waits) scene_.pass(std::chrono::milliseconds(random.between(0, 60)));
}

void World::stop_somebody() {
  const bool asked = scene_.calls_random.chance(scene_.swarm.shutdown);
  if (asked) workers_[scene_.calls_random.below(workers_.size())]->stop();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    // In the end nobody waits for it any longer.
    const bool patience_ends = workers_[i]->stopping() && scene_.calls_random.chance(10);
    if (workers_[i]->stopped() || patience_ends || (workers_[i]->stopping() && !scene_.faults.on))
      end_process(i);
  }
}

}  // namespace spool::simulation
