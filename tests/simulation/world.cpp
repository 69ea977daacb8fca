#include "tests/simulation/world.hpp"

#include <algorithm>
#include <map>

namespace spool::simulation {
namespace {

constexpr int kRoundsMax = 3'000;  // of the quiet phase
constexpr int kQuietRounds = 6;
// An event that is too slow even alone is found in fewer.
constexpr int kStuckRounds = 300;
constexpr std::chrono::hours kYears{3 * 365 * 24};
constexpr int kRebalanceAfterCrash = 100;

}  // namespace

World::World(std::uint64_t seed, Plant plant, bool traced)
    : scene_(seed, plant, traced), operators_(scene_) {
  scene_.interleave = [this](int busy) { interleave(busy); };
  scene_.crash_database = [this] { crash_database(); };
  for (int i = 0; i < scene_.swarm.workers; ++i)
    workers_.push_back(std::make_unique<SimWorker>(scene_, i));
  reassign();
}

void World::run() {
  for (int i = 0; i < scene_.swarm.steps; ++i) {
    step();
    check();
  }
  come_to_rest();
  scene_.checkers.check_end([this](const delivery::LaneId& lane) { return pause_reason(lane); });
}

void World::check() {
  scene_.checkers.check_announcements();
  for (auto& worker : workers_) worker->check_memory();
}

void World::step() {
  Random& random = scene_.random;
  const Swarm& swarm = scene_.swarm;
  scene_.pass(std::chrono::microseconds(random.between(0, 10'000)));
  if (random.chance(swarm.years)) scene_.pass(kYears);
  const auto& lane = scene_.broker.lanes()[random.below(scene_.broker.lanes().size())];
  if (random.chance(swarm.produce)) produce(lane);
  if (random.chance(swarm.reassign) || (rebalance_due_ && random.chance(kRebalanceAfterCrash)))
    reassign();
  strike_database();
  age_log(lane);
  operators_.act();
  if (random.chance(swarm.service_down)) {
    scene_.faults.service_down = !scene_.faults.service_down;
    if (scene_.trace.on())
      scene_.trace.add(scene_.faults.service_down ? "the service goes" : "the service is back");
  }
  if (swarm.performs()) {
    stop_somebody();
    let_time_pass();
  }
  step_worker(random.below(workers_.size()), &SimWorker::step);
}

void World::produce(const delivery::LaneId& lane) {
  if (!scene_.broker.produce(lane, scene_.database.time) || !scene_.trace.on()) return;
  const PartitionLog& log = scene_.broker.log(lane);
  const Entry& entry = log.entries.back();
  const Plan& plan = scene_.broker.plan(entry.event);
  scene_.trace.add("produced " + to_text(lane) + " " + std::to_string(log.high() - 1) +
                   (entry.gap ? ": a gap"
                              : ": event " + std::to_string(entry.serial) + " " +
                                    entry.identity.id + " key " + std::to_string(plan.key) +
                                    " nature " + std::to_string(static_cast<int>(plan.nature)) +
                                    (plan.scheduled() ? " scheduled" : "")));
}

void World::step_worker(std::size_t index, void (SimWorker::*what)()) {
  if (scene_.faults.on && workers_[index]->frozen()) return;
  try {
    (workers_[index].get()->*what)();
  } catch (const WorkerCrash&) {
    end_process(index);
  }
}

void World::end_process(std::size_t index) {
  std::vector<std::size_t> ends{index};
  // The planted bug: every other worker shares its process with the one before it.
  if (const std::size_t other = index ^ 1; scene_.faults.planted(Plant::two_boards)) {
    if (other < workers_.size()) ends.push_back(other);
  }
  workers_[index]->die();
  if (scene_.swarm.same_machine && !scene_.database.busy()) crash_database();
  for (const std::size_t one : ends) {
    const bool company = one == index ? ends.size() > 1 && workers_[ends[1]]->runs_events()
                                      : workers_[index]->runs_events();
    workers_[one]->witness(company);
  }
  if (const auto& killer = workers_[index]->killer()) scene_.checkers.killed(*killer);
  for (const std::size_t one : ends) {
    if (one != index && interleaving_ && one == busy_) {
      workers_[one]->doom();
    } else {
      workers_[one] = std::make_unique<SimWorker>(scene_, static_cast<int>(one));
    }
  }
  rebalance_due_ = true;
}

void World::age_log(const delivery::LaneId& lane) {
  Random& random = scene_.random;
  if (random.chance(scene_.swarm.retention)) {
    scene_.broker.retain(lane);
    if (scene_.trace.on())
      scene_.trace.add("retention: " + to_text(lane) + " begins at " +
                       std::to_string(scene_.broker.log(lane).low));
  }
  if (random.chance(scene_.swarm.retry_retention)) scene_.broker.retain_retries(lane);
  if (random.chance(scene_.swarm.recreate) && recognisable(lane)) {
    scene_.database.flush();
    scene_.broker.recreate(lane, scene_.database.time);
    if (scene_.trace.on())
      scene_.trace.add(to_text(lane) + " is made again, with " +
                       std::to_string(scene_.broker.log(lane).high()) + " records");
  }
}

// A stranger's log is recognised by the last record that the lane knows.
bool World::recognisable(const delivery::LaneId& lane) {
  const auto& row = scene_.database.tables(lane).row;
  const auto& entries = scene_.broker.origin(lane).entries;
  for (std::int64_t offset = row ? row->start : 0; row && offset < row->next; ++offset) {
    if (!entries[static_cast<std::size_t>(offset)].gap) return true;
  }
  return false;
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
  busy_ = static_cast<std::size_t>(busy);
  if (scene_.random.chance(300)) reassign();
  Random& random = scene_.random;
  const int steps = random.between(1, 12);
  for (int i = 0; i < steps; ++i) {
    const auto& lanes = scene_.broker.lanes();
    if (random.chance(scene_.swarm.produce)) produce(lanes[random.below(lanes.size())]);
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
    for (const std::string& handler : scene_.swarm.handlers)
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

bool World::lane_rests(const delivery::LaneId& lane) {
  const LaneTables& tables = scene_.database.tables(lane);
  if (!tables.row) return false;
  const auto says = pause_reason(lane);
  for (const auto& [number, entry] : tables.outbox) {
    if (entry.error.empty()) return false;
  }
  if (says == delivery::PauseReason::position_lost) return !tables.row->stopped.empty();
  for (const auto& [number, kept] : tables.open) {
    const bool acts = kept.row.state == delivery::OpenState::head ||
                      kept.row.state == delivery::OpenState::scheduled;
    if (acts) return false;
  }
  for (const auto& [topic, log] : scene_.broker.retry_logs(lane)) {
    const auto known = tables.row->companions.find(topic);
    const std::int64_t next = known == tables.row->companions.end() ? 0 : known->second;
    if (next < log.high() && log.low < log.high()) return false;
  }
  const bool held_up =
      says == delivery::PauseReason::backpressure || says == delivery::PauseReason::dead_letters;
  return (held_up && scene_.checkers.full(lane)) ||
         tables.row->next == scene_.broker.log(lane).high();
}

bool World::at_rest() {
  for (auto& worker : workers_) {
    if (!worker->idle()) return false;
  }
  for (const CommandRow& command : scene_.database.commands()) {
    for (const auto& [partition, progress] : command.lanes) {
      const delivery::LaneId lane{command.handler, partition};
      const bool waits = scene_.checkers.may_wait(command, lane, pause_reason(lane));
      if (command.state == CommandRow::State::running && !progress.finished && !waits) return false;
    }
  }
  const auto& lanes = scene_.broker.lanes();
  return std::all_of(lanes.begin(), lanes.end(),
                     [this](const delivery::LaneId& lane) { return lane_rests(lane); });
}

// Another number whenever something has come further.
std::int64_t World::progress() {
  std::int64_t sum = 0;
  for (const auto& lane : scene_.broker.lanes()) {
    const LaneTables& tables = scene_.database.tables(lane);
    sum += static_cast<std::int64_t>(tables.deeds.size()) + (tables.row ? tables.row->next : 0);
  }
  for (const CommandRow& command : scene_.database.commands()) {
    for (const auto& [partition, reached] : command.lanes)
      sum += reached.letters_from + reached.rows_from + (reached.finished ? 1 : 0);
  }
  for (const auto& [who, times] : scene_.kills) sum += times;
  return sum;
}

// Until somebody has something to do; the shells look around every 100 ms anyway.
void World::sleep() {
  delivery::Instant wake = scene_.now() + std::chrono::milliseconds(100);
  for (auto& worker : workers_) {
    if (const auto at = worker->wake_at()) wake = std::min(wake, *at);
  }
  const auto time = std::chrono::ceil<std::chrono::microseconds>(wake - scene_.now());
  scene_.pass(std::max(time, std::chrono::microseconds(1)));
}

void World::tell_what_is_open() {
  for (const auto& lane : scene_.broker.lanes()) {
    scene_.trace.add(to_text(lane) + " says " + delivery::to_string(pause_reason(lane)));
    for (const auto& [number, kept] : scene_.database.tables(lane).open) {
      scene_.trace.add("  row " + std::to_string(number) + " event " + std::to_string(kept.serial) +
                       " state " + std::to_string(static_cast<int>(kept.row.state)) + " life " +
                       std::to_string(kept.row.life) + " due in " +
                       std::to_string(kept.row.due - scene_.database.time) + " us");
    }
  }
}

void World::come_to_rest() {
  scene_.faults.on = false;
  scene_.faults.service_down = false;
  scene_.faults.database_down = false;
  scene_.trace.add("nothing fails any more");
  stop_somebody();
  int quiet = 0;
  int stuck = 0;
  std::int64_t progress_before = -1;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (rebalance_due_) reassign();
    for (std::size_t i = 0; i < workers_.size(); ++i) step_worker(i, &SimWorker::settle);
    check();
    sleep();
    const std::int64_t now = progress();
    stuck = now == progress_before ? stuck + 1 : 0;
    progress_before = now;
    if (stuck == kStuckRounds) break;
    // A few rounds more: what rests must not begin to move again.
    quiet = at_rest() ? quiet + 1 : 0;
    if (quiet == kQuietRounds) return;
  }
  if (scene_.trace.on()) tell_what_is_open();
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
  for (const auto& lane : world.scene().broker.lanes())
    outcome.deeds += static_cast<std::int64_t>(world.scene().database.tables(lane).deeds.size());
  outcome.trace = world.scene().trace.lines();
  return outcome;
}

}  // namespace spool::simulation
