#include "tests/simulation/sim_worker.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/sim_handler.hpp"

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;
using delivery::LaneId;
using std::chrono::milliseconds;

constexpr int kJobsMax = 100;  // of one process in one round of the quiet phase

// Small, so that every bound is met within a few records.
delivery::LaneLimits limits(const Swarm& swarm) {
  delivery::LaneLimits limits;
  limits.buffer_bytes = 20'000;
  limits.batch_events_max = 8;
  limits.batch_bytes_max = 14'000;
  limits.outbox_rows_max = 3;
  limits.wait_first = milliseconds(10);
  limits.wait_cap = milliseconds(100);
  limits.schema_wait_cap = milliseconds(200);
  limits.open_events_max = swarm.open_events_max;
  limits.key_events_max = swarm.key_events_max;
  limits.drain_events_max = 4;
  limits.drain_bytes_max = 1'500;
  limits.command_page_max = 2;
  limits.outbox_every = limits.gather = swarm.gather;
  limits.companions_every = milliseconds(20);
  if (swarm.small_valve) limits.valve = {4, 0.6, 10, milliseconds(20), milliseconds(80), 2};
  return limits;
}

delivery::BreakerSettings breakers() {
  delivery::BreakerSettings settings;
  settings.failures = 3;
  settings.window = 10;
  settings.window_min = 6;
  settings.window_age = milliseconds(500);
  settings.open_for = milliseconds(20);
  settings.open_cap = milliseconds(80);
  settings.probe_lost = milliseconds(300);
  return settings;
}

std::map<std::string, delivery::HandlerLanes> lanes_of(const Swarm& swarm) {
  std::map<std::string, delivery::HandlerLanes> lanes;
  for (const std::string& name : swarm.handlers) {
    lanes[name].limits = limits(swarm);
    if (name != "natural") lanes[name].dependencies = {kService};
    if (name != kCalls) continue;
    lanes[name].limits.performs = true;
    lanes[name].limits.calls_of_group_max = swarm.calls_of_group_max;
    lanes[name].calls_max = swarm.calls_max;
    lanes[name].call_grace = swarm.call_grace;
    lanes[name].call_timeout = swarm.call_timeout;
  }
  return lanes;
}

}  // namespace

SimWorker::SimWorker(Scene& scene, int index)
    : scene_(scene),
      index_(index),
      process_{++scene.processes, false, false, {}, {}, 0, {}, {}, {}},
      store_(scene.database, scene.broker, scene.faults, process_),
      clock_off_(scene.random.between(1, 10'000)),
      budget_(scene.calls_random, scene.swarm.call_budget),
      dispatcher_(lanes_of(scene.swarm), breakers()),
      caller_(scene.calls_random, scene.faults, scene.service, [this] { return moment(); }) {
  if (scene.swarm.performs() && scene.swarm.call_budget > 0)
    dispatcher_.limit_calls(kCalls, budget_);
  const HandlerScene surroundings{scene.broker, scene.faults, process_, scene.kills, scene.service};
  std::map<std::string, delivery::Route> routes;
  for (const std::string& name : scene.swarm.handlers) {
    const auto entry = handlers_.emplace(name, make_sim_handler(name, surroundings)).first;
    routes[name] = {SimBroker::topic(name),  &entry->second,           policy_of(scene.swarm),
                    scene.swarm.holds(name), scene.swarm.call_timeout, scene.swarm.call_grace};
  }
  for (Slot& slot : slots_)
    slot.executor = std::make_unique<delivery::Executor>(store_, *this, *this, routes);
}

void SimWorker::note(const std::string& what) {
  scene_.trace.add("w" + std::to_string(index_) + " " + what);
}

delivery::Moment SimWorker::moment() const {
  base::EpochMicros database = scene_.database.time + hastened_;
  if (scene_.faults.planted(Plant::own_clock))
    database += std::chrono::microseconds(clock_off_).count();
  return {scene_.now() + clock_off_, database};
}

void SimWorker::step() {
  if (!caller_.empty() && scene_.calls_random.chance(400)) return caller_.go_on();
  if (dispatcher_.notes_awaited(kCalls) && scene_.calls_random.chance(400)) {
    if (answered_.empty()) return tell_group(kCalls);
    return hear_group();
  }
  switch (scene_.random.below(12)) {
    case 0:
      return pick(any_slot());
    case 1:
      return execute(any_slot());
    case 2:
      return finish(any_slot());
    case 3:
      return place(any_handler());
    case 4:
    case 5:
      return fetch_any();
    case 6:
      if (!publications_.empty()) relay(scene_.random.below(publications_.size()));
      return;
    case 7:
      return compare();
    case 8:
      if (scene_.random.chance(scene_.swarm.learn)) learn(any_handler(), true);
      return;
    case 9:
      if (scene_.random.chance(300)) return poll_commands();
      if (!fetches_.empty()) {
        auto entry = fetches_.begin();
        std::advance(entry, scene_.random.below(fetches_.size()));
        read_companions(entry->first);
      }
      return;
    default: {
      Slot& slot = any_slot();
      pick(slot);
      execute(slot);
      finish(slot);
    }
  }
}

void SimWorker::sprint() {
  for (int i = 0; i < 3; ++i) {
    fetch_all();
    converse_with_group();
    caller_.go_on_all();
    for (Slot& slot : slots_) {
      execute(slot);
      finish(slot);
      pick(slot);
    }
  }
}

void SimWorker::join() {
  for (const std::string& handler : scene_.swarm.handlers) {
    learn(handler, scene_.faults.on);
    place(handler);
  }
}

void SimWorker::settle() {
  join();
  fetch_all();
  read_all_companions();
  poll_commands();
  converse_with_group();
  caller_.go_on_all();
  work_all();
  publish_all();
  compare();
  if (!work_all()) return;
  converse_with_group();
  // Asleep until then: a time in the past would be a loop that never sleeps.
  const auto wake = dispatcher_.wake_at(moment());
  const bool busy = std::any_of(slots_.begin(), slots_.end(),
                                [](const Slot& slot) { return slot.work.has_value(); });
  if (!busy && wake && *wake <= moment().at)
    throw Violation("a worker with nothing to do would not sleep");
  if (!busy && !scene_.swarm.small_valve) check_alarm();
}

bool SimWorker::work_all() {
  for (int jobs = 0; jobs < kJobsMax; ++jobs) {
    bool any = false;
    for (Slot& slot : slots_) {
      execute(slot);
      finish(slot);
      pick(slot);
      any |= slot.work.has_value();
      execute(slot);
      finish(slot);
    }
    if (!any) return true;
  }
  return false;
}

void SimWorker::die() {
  for (Publication& publication : publications_) {
    if (!publication.appended && scene_.random.chance(500)) append(publication);
  }
  caller_.die();
  if (scene_.trace.on()) note("dies");
}

void SimWorker::witness(bool company) {
  dispatcher_.for_each([&](const delivery::Lane& mine) {
    auto& mark = scene_.database.tables(mine.id()).running;
    if (!mark || mark->process != process_.number) return;
    const auto run = process_.runs.find(mine.id());
    const bool alone = process_.runs.size() == 1 && !company;
    if (run == process_.runs.end() || run->second != mark->number || !alone) mark->alone = false;
  });
}

bool SimWorker::idle() const {
  for (const Slot& slot : slots_) {
    if (slot.work) return false;
  }
  const bool tells = !answered_.empty() || dispatcher_.notes_awaited(kCalls);
  return publications_.empty() && news_.empty() && caller_.empty() && !tells;
}

std::optional<delivery::Instant> SimWorker::wake_at() const {
  auto at = dispatcher_.wake_at(moment());
  const auto call = caller_.wake_at();
  if (call && (!at || *call < *at)) at = call;
  return at ? std::optional(*at - clock_off_) : std::nullopt;
}

std::optional<delivery::PauseReason> SimWorker::pause_reason(const LaneId& lane) {
  const delivery::Lane* mine = dispatcher_.find(lane);
  return mine == nullptr ? std::nullopt : std::optional(mine->pause_reason());
}

// --- Jobs.

void SimWorker::pick(Slot& slot) {
  if (slot.work) return;
  slot.probe = scene_.swarm.performs() && probing();
  slot.work = dispatcher_.next_work(moment());
  if (slot.work && scene_.trace.on()) {
    note("picks job " + std::to_string(slot.work->job.index()) + " of " + to_text(slot.work->lane));
  }
}

void SimWorker::execute(Slot& slot) {
  if (!slot.work || slot.done || slot.executing) return;
  slot.executing = true;
  const delivery::Job& job = slot.work->job;
  const bool events = std::holds_alternative<delivery::ApplyJob>(job) ||
                      std::holds_alternative<delivery::DrainJob>(job);
  if (events) process_.runs[slot.work->lane] = 0;
  note_settling(*slot.work);
  slot.done = slot.executor->run(slot.work->lane, job, moment().database);
  process_.go_on();
  process_.settling.erase(slot.work->lane);
  if (events) process_.runs.erase(slot.work->lane);
  slot.executing = false;
  hastened_ = 0;
  if (!scene_.trace.on()) return;
  const std::string how = std::visit(
      [](const auto& done) {
        return done.outcome ? std::string("ok")
                            : std::string(base::to_string(done.outcome.failure().kind)) + ": " +
                                  done.outcome.failure().text;
      },
      *slot.done);
  note("ran job " + std::to_string(slot.work->job.index()) + " of " + to_text(slot.work->lane) +
       ": " + how);
}

void SimWorker::finish(Slot& slot) {
  if (!slot.done) return;
  const auto* apply = std::get_if<delivery::ApplyDone>(&*slot.done);
  if (apply != nullptr && apply->outcome && scene_.random.chance(500))
    tell_group(slot.work->lane.handler);
  delivery::Work work = std::move(*std::exchange(slot.work, std::nullopt));
  delivery::Done done = std::move(*std::exchange(slot.done, std::nullopt));
  if (scene_.trace.on()) note("learns how the job of " + to_text(work.lane) + " ended");
  const LaneId lane = work.lane;
  const auto* run = std::get_if<delivery::RunDone>(&done);
  const bool out_of_touch =
      run != nullptr && !run->outcome && run->outcome.failure().kind != FailureKind::slow;
  if (run != nullptr && run->outcome)
    note_begun(lane, work.generation, run->outcome->begun, slot.probe);
  auto over = dispatcher_.finish(std::move(work), std::move(done), moment().at);
  if (out_of_touch && scene_.faults.planted(Plant::drop_hands_back)) hand_back(lane);
  if (!over.publish) return;
  for (delivery::OutboxRow& row : over.publish->rows)
    publications_.push_back({over.publish->lane, over.publish->generation, std::move(row), false});
}

// The planted bug: the lane comes back as one that nobody knows.
void SimWorker::hand_back(const LaneId& lane) {
  const delivery::Lane* mine = dispatcher_.find(lane);
  const auto news = news_.find(lane.handler);
  const bool revoking = news != news_.end() && news->second.revoking;
  if (mine == nullptr || !mine->mark_in_doubt() || revoking) return;
  const std::int32_t partition[] = {lane.partition};
  dispatcher_.revoke(lane.handler, partition);
  dispatcher_.drop_revoked(lane.handler);
  fetches_.erase(lane);
  readings_.erase(lane);
  dispatcher_.assign(lane.handler, partition);
}

bool SimWorker::pick_one() {
  pick(slots_[0]);
  return slots_[0].work.has_value();
}

bool SimWorker::begin_one() {
  if (!pick_one()) return false;
  execute(slots_[0]);
  return true;
}

bool SimWorker::run_one() {
  if (!begin_one()) return false;
  finish_all();
  return true;
}

void SimWorker::finish_all() {
  for (Slot& slot : slots_) finish(slot);
}

base::Result<delivery::LogBounds> SimWorker::bounds(const std::string& topic,
                                                    std::int32_t partition) {
  if (scene_.faults.chance(scene_.swarm.unavailable))
    return Failure(FailureKind::unavailable, "no broker answers");
  const auto& log = scene_.broker.log({SimBroker::handler(topic), partition});
  delivery::LogBounds bounds{log.low, log.high()};
  if (scene_.faults.planted(Plant::no_low_check)) bounds.low = 0;
  if (scene_.faults.planted(Plant::no_high_check)) bounds.high = 1'000'000;
  if (scene_.faults.chance(scene_.swarm.interleave)) scene_.interleave(index_);
  return bounds;
}

void SimWorker::reach(const LaneId& lane, delivery::Point point) {
  process_.go_on();
  Faults& faults = scene_.faults;
  const Swarm& swarm = scene_.swarm;
  const bool row_locked =
      point == delivery::Point::in_transaction || point == delivery::Point::before_commit;
  if (scene_.trace.on())
    note("is at point " + std::to_string(static_cast<int>(point)) + " of " + to_text(lane));
  // Its other thread goes on: always a little, because it may be the one that ends the process.
  if (!row_locked && scene_.random.chance(100)) {
    for (Slot& slot : slots_) execute(slot);
  }
  if (!faults.on) return;
  if (faults.chance(swarm.worker_crash)) process_.kill();
  if (faults.chance(swarm.database_crash)) scene_.crash_database();
  if (faults.chance(swarm.cut)) connection_lost();
  if (!row_locked && faults.chance(swarm.interleave)) scene_.interleave(index_);
}

}  // namespace spool::simulation
