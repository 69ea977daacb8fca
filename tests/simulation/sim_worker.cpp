#include "tests/simulation/sim_worker.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/sim_handler.hpp"

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;
using base::Status;
using delivery::LaneId;

constexpr base::EpochMicros kDatabaseTime = 1'767'323'045'000'000;
constexpr std::chrono::milliseconds kPatience{50};

// Small, so that every bound is met within a few records.
delivery::LaneLimits limits() {
  delivery::LaneLimits limits;
  limits.buffer_bytes = 20'000;
  limits.batch_events_max = 8;
  limits.batch_bytes_max = 14'000;
  limits.outbox_rows_max = 3;
  limits.wait_first = std::chrono::milliseconds(10);
  limits.wait_cap = std::chrono::milliseconds(100);
  limits.schema_wait_cap = std::chrono::milliseconds(200);
  return limits;
}

}  // namespace

SimWorker::SimWorker(Scene& scene, int index)
    : scene_(scene),
      index_(index),
      store_(scene.database, scene.broker, scene.faults, connection_),
      dispatcher_(limits()) {
  std::map<std::string, delivery::Route> routes;
  for (const char* name : {"ledger", "natural"}) {
    const auto entry = handlers_.emplace(name, make_sim_handler(name)).first;
    routes[name] = {SimBroker::topic(name), &entry->second};
  }
  for (Slot& slot : slots_)
    slot.executor = std::make_unique<delivery::Executor>(store_, *this, *this, routes);
}

void SimWorker::note(const std::string& what) {
  scene_.trace.add("w" + std::to_string(index_) + " " + what);
}

void SimWorker::step() {
  switch (scene_.random.below(10)) {
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
    for (auto& [lane, fetching] : fetches_) fetch(lane, fetching);
    for (Slot& slot : slots_) {
      execute(slot);
      finish(slot);
      pick(slot);
    }
  }
}

void SimWorker::settle() {
  for (const char* handler : {"ledger", "natural"}) {
    learn(handler, false);
    place(handler);
  }
  for (auto& [lane, fetching] : fetches_) fetch(lane, fetching);
  for (Slot& slot : slots_) {
    finish(slot);
    pick(slot);
    execute(slot);
    finish(slot);
  }
  while (!publications_.empty()) relay(0);
  compare();
}

void SimWorker::die() {
  for (Publication& publication : publications_) {
    if (!publication.appended && scene_.random.chance(500)) append(publication);
  }
  if (scene_.trace.on()) note("dies");
}

bool SimWorker::idle() const {
  for (const Slot& slot : slots_) {
    if (slot.work) return false;
  }
  return publications_.empty() && news_.empty();
}

std::optional<delivery::PauseReason> SimWorker::pause_reason(const LaneId& lane) {
  const delivery::Lane* mine = dispatcher_.find(lane);
  return mine == nullptr ? std::nullopt : std::optional(mine->pause_reason());
}

// --- Jobs.

void SimWorker::pick(Slot& slot) {
  if (slot.work) return;
  slot.work = dispatcher_.next_work(scene_.now);
  if (slot.work && scene_.trace.on()) {
    note("picks job " + std::to_string(slot.work->job.index()) + " of " + to_text(slot.work->lane));
  }
}

void SimWorker::execute(Slot& slot) {
  if (!slot.work || slot.done) return;
  slot.done = slot.executor->run(slot.work->lane, slot.work->job, kDatabaseTime);
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
    scene_.broker.commit_group(slot.work->lane, apply->outcome->advance.to);
  delivery::Work work = std::move(*std::exchange(slot.work, std::nullopt));
  delivery::Done done = std::move(*std::exchange(slot.done, std::nullopt));
  if (scene_.trace.on()) note("learns how the job of " + to_text(work.lane) + " ended");
  auto to_publish = dispatcher_.finish(std::move(work), std::move(done), scene_.now);
  if (!to_publish) return;
  for (delivery::OutboxRow& row : to_publish->rows)
    publications_.push_back({to_publish->lane, to_publish->generation, std::move(row), false});
}

base::Result<delivery::LogBounds> SimWorker::bounds(const std::string& topic,
                                                    std::int32_t partition) {
  if (scene_.faults.chance(scene_.swarm.unavailable))
    return Failure(FailureKind::unavailable, "no broker answers");
  const auto& log = scene_.broker.log({SimBroker::handler(topic), partition});
  delivery::LogBounds bounds{log.low, log.high()};
  if (scene_.faults.plant == Plant::no_low_check) bounds.low = 0;
  if (scene_.faults.plant == Plant::no_high_check) bounds.high = 1'000'000;
  if (scene_.faults.chance(scene_.swarm.interleave)) scene_.interleave(index_);
  return bounds;
}

void SimWorker::reach(const LaneId& lane, delivery::Point point) {
  Faults& faults = scene_.faults;
  const Swarm& swarm = scene_.swarm;
  if (!faults.on) return;
  const bool row_locked =
      point == delivery::Point::in_transaction || point == delivery::Point::before_commit;
  if (scene_.trace.on())
    note("is at point " + std::to_string(static_cast<int>(point)) + " of " + to_text(lane));
  if (faults.chance(swarm.worker_crash)) throw WorkerCrash{};
  if (faults.chance(swarm.database_crash)) scene_.crash_database();
  if (faults.chance(swarm.cut)) connection_lost();
  if (!row_locked && faults.chance(swarm.interleave)) scene_.interleave(index_);
}

// --- The group and the consumer.

void SimWorker::tell(const std::string& handler, std::vector<std::int32_t> partitions) {
  news_[handler].partitions = std::move(partitions);
}

void SimWorker::learn(const std::string& handler, bool patient) {
  const auto news = news_.find(handler);
  if (news == news_.end()) return;
  if (!std::exchange(news->second.revoking, true)) {
    dispatcher_.revoke_all(handler);
    if (scene_.trace.on()) note("stops " + handler);
    if (patient) return;
  }
  const bool deadline = !patient || scene_.random.chance(200);
  if (!dispatcher_.quiescent(handler) && !deadline) return;
  dispatcher_.drop_revoked(handler);
  std::erase_if(fetches_, [&](const auto& entry) { return entry.first.handler == handler; });
  dispatcher_.assign(handler, news->second.partitions);
  if (scene_.trace.on())
    note("has " + std::to_string(news->second.partitions.size()) + " partitions of " + handler);
  news_.erase(news);
}

void SimWorker::place(const std::string& handler) {
  const auto placements = dispatcher_.placement(handler, scene_.now, kPatience);
  if (!placements) return;
  std::map<LaneId, Fetch> before;
  before.swap(fetches_);
  for (auto& [lane, fetching] : before) {
    if (lane.handler != handler) fetches_.emplace(lane, fetching);
  }
  for (const delivery::Placement& placement : *placements) {
    const LaneId lane{handler, placement.partition};
    Fetch fetching{placement.offset, scene_.broker.incarnation(lane), false};
    if (const auto earlier = before.find(lane); earlier != before.end()) {
      // A lane that goes on where it was does not probe; the broker tells its consumer that the
      // topic went.
      const bool goes_on = !earlier->second.failed && earlier->second.offset == fetching.offset;
      if (goes_on) fetching.incarnation = earlier->second.incarnation;
      if (scene_.faults.plant == Plant::stale_fetch)
        fetching.offset = std::max(fetching.offset, earlier->second.offset);
    }
    fetches_[lane] = fetching;
    if (scene_.trace.on())
      note("fetches " + to_text(lane) + " from " + std::to_string(fetching.offset));
  }
}

// What a consumer does that is not told to stop at a position out of range.
bool SimWorker::reset_to_earliest(const LaneId& lane, Fetch& fetching) const {
  const Plant plant = scene_.faults.plant;
  const auto& log = scene_.broker.log(lane);
  const bool low = plant == Plant::no_low_check && fetching.offset < log.low;
  const bool high = plant == Plant::no_high_check && fetching.offset > log.high();
  if (!low && !high) return false;
  fetching.offset = scene_.broker.log(lane).low;
  fetching.incarnation = scene_.broker.incarnation(lane);
  return true;
}

void SimWorker::fetch(const LaneId& lane, Fetch& fetching) {
  delivery::Lane* mine = dispatcher_.find(lane);
  if (mine == nullptr || !mine->wants_records() || fetching.failed) return;
  const auto& log = scene_.broker.log(lane);
  std::int64_t from = fetching.offset;
  if (from >= log.low && scene_.faults.chance(scene_.swarm.refetch))
    from = std::max(log.low, from - 3);
  auto fetched = scene_.broker.fetch(lane, from, scene_.random.between(1, 6));
  if (!fetched || fetching.incarnation != scene_.broker.incarnation(lane)) {
    if (reset_to_earliest(lane, fetching)) return;
    if (scene_.trace.on()) note("cannot fetch " + to_text(lane) + " from " + std::to_string(from));
    fetching.failed = true;
    return mine->partition_failed(Failure(FailureKind::position, "out of range"), scene_.now);
  }
  const bool tell_end =
      fetched->at_end && (!scene_.faults.on || scene_.random.chance(scene_.swarm.eof));
  if (scene_.trace.on() && (!fetched->records.empty() || fetched->next < log.high()))
    note("fetched " + std::to_string(fetched->records.size()) + " of " + to_text(lane) + " from " +
         std::to_string(from) + (tell_end ? " to the end" : ""));
  fetching.offset = std::max(fetching.offset, fetched->next);
  mine->offer(std::move(fetched->records), tell_end ? std::optional(log.high()) : std::nullopt,
              scene_.now);
}

void SimWorker::fetch_any() {
  if (fetches_.empty()) return;
  auto entry = fetches_.begin();
  std::advance(entry, scene_.random.below(fetches_.size()));
  if (news_.contains(entry->first.handler) && news_.at(entry->first.handler).revoking) return;
  fetch(entry->first, entry->second);
}

// --- Publishing and comparing.

void SimWorker::append(Publication& publication) {
  publication.appended = true;
  scene_.broker.announce({*publication.row.key, *publication.row.value});
  if (scene_.trace.on()) note("announced " + *publication.row.value);
}

void SimWorker::answer(std::size_t index, const Status& outcome) {
  const Publication publication = std::move(publications_[index]);
  publications_.erase(publications_.begin() + static_cast<std::ptrdiff_t>(index));
  if (scene_.trace.on())
    note("hears of row " + std::to_string(publication.row.number) +
         (outcome ? ": published" : ": " + outcome.failure().text));
  dispatcher_.published(publication.lane, publication.generation, publication.row.number, outcome,
                        scene_.now);
}

void SimWorker::relay(std::size_t index) {
  Publication& publication = publications_[index];
  if (publication.appended) return answer(index, {});
  if (scene_.faults.chance(scene_.swarm.refuse))
    return answer(index, Failure(FailureKind::refused, "too large"));
  if (scene_.faults.chance(scene_.swarm.answer_lost)) {
    if (scene_.random.chance(500)) append(publication);
    return answer(index, Failure(FailureKind::unavailable, "timed out"));
  }
  append(publication);
}

void SimWorker::compare() {
  if (scene_.faults.plant == Plant::no_comparison) return;
  if (!comparison_) {
    comparison_ = Comparison{dispatcher_.claims(), std::nullopt};
    if (scene_.faults.on) return;
  }
  if (!comparison_->seen) {
    std::vector<LaneId> lanes;
    for (const auto& asked : comparison_->asked) lanes.push_back(asked.lane);
    auto seen = store_.claims(lanes);
    if (!seen) return comparison_.reset();
    comparison_->seen = std::move(*seen);
    if (scene_.faults.on) return;
  }
  dispatcher_.compare(comparison_->asked, *comparison_->seen);
  comparison_.reset();
}

}  // namespace spool::simulation
