// What a process does beside its jobs: it follows the group, fetches, publishes, compares, reads
// retry topics and commands.
#include <algorithm>
#include <utility>

#include "engine/delivery/attempts.hpp"
#include "tests/simulation/sim_worker.hpp"

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;
using base::Status;
using delivery::LaneId;

constexpr std::chrono::milliseconds kPatience{50};

// What a consumer hands on that drops the headers it does not know.
message::RecordBatch without_marks(const message::RecordBatch& records) {
  message::RecordBatch bare;
  for (std::size_t i = 0; i < records.size(); ++i) {
    Kept kept = Kept::of(records.record(i));
    std::erase_if(kept.headers, [](const auto& h) { return h.first.starts_with("__dlq."); });
    kept.append_to(bare);
  }
  return bare;
}

}  // namespace

// --- The group and the consumer.

void SimWorker::tell(const std::string& handler, std::vector<std::int32_t> partitions) {
  news_[handler].partitions = std::move(partitions);
}

void SimWorker::learn(const std::string& handler, bool patient) {
  const auto news = news_.find(handler);
  if (news == news_.end() || stopping_) return;
  if (!std::exchange(news->second.revoking, true)) {
    dispatcher_.revoke_all(handler);
    if (scene_.trace.on()) note("stops " + handler);
    if (patient) return;
  }
  const bool deadline = !patient || scene_.random.chance(200);
  if (!dispatcher_.quiescent(handler) && !deadline) return;
  dispatcher_.drop_revoked(handler);
  const auto theirs = [&](const auto& entry) { return entry.first.handler == handler; };
  std::erase_if(fetches_, theirs);
  std::erase_if(readings_, theirs);
  dispatcher_.assign(handler, news->second.partitions);
  if (scene_.trace.on())
    note("has " + std::to_string(news->second.partitions.size()) + " partitions of " + handler);
  news_.erase(news);
}

void SimWorker::place(const std::string& handler) {
  const auto placements = dispatcher_.placement(handler, moment().at, kPatience);
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
      if (scene_.faults.planted(Plant::stale_fetch))
        fetching.offset = std::max(fetching.offset, earlier->second.offset);
    }
    fetches_[lane] = fetching;
    if (scene_.trace.on())
      note("fetches " + to_text(lane) + " from " + std::to_string(fetching.offset));
  }
}

// What a consumer does that is not told to stop at a position out of range.
bool SimWorker::reset_to_earliest(const LaneId& lane, Fetch& fetching) const {
  const auto& log = scene_.broker.log(lane);
  const bool low = scene_.faults.planted(Plant::no_low_check) && fetching.offset < log.low;
  const bool high = scene_.faults.planted(Plant::no_high_check) && fetching.offset > log.high();
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
    return mine->partition_failed(Failure(FailureKind::position, "out of range"), moment().at);
  }
  const bool tell_end =
      fetched->at_end && (!scene_.faults.on || scene_.random.chance(scene_.swarm.eof));
  if (scene_.trace.on() && (!fetched->records.empty() || fetched->next < log.high()))
    note("fetched " + std::to_string(fetched->records.size()) + " of " + to_text(lane) + " from " +
         std::to_string(from) + (tell_end ? " to the end" : ""));
  fetching.offset = std::max(fetching.offset, fetched->next);
  if (scene_.faults.planted(Plant::marks_lost)) fetched->records = without_marks(fetched->records);
  mine->offer(std::move(fetched->records), tell_end ? std::optional(log.high()) : std::nullopt,
              moment().at);
}

void SimWorker::fetch_any() {
  if (fetches_.empty()) return;
  auto entry = fetches_.begin();
  std::advance(entry, scene_.random.below(fetches_.size()));
  if (news_.contains(entry->first.handler) && news_.at(entry->first.handler).revoking) return;
  fetch(entry->first, entry->second);
}

void SimWorker::fetch_all() {
  for (auto& [lane, fetching] : fetches_) fetch(lane, fetching);
}

// --- Retry topics and commands.

std::optional<delivery::ReplayRequest> SimWorker::request_in(const message::Record& record) {
  auto life = delivery::asked_life(record);
  if (scene_.faults.planted(Plant::retry_record_asks) && record.header("spool-life"))
    life = std::stoi(std::string(*record.header("spool-life")));
  if (!life) return std::nullopt;
  const auto read = reader_.read(record);
  const auto* event = std::get_if<message::Event>(&read);
  if (event == nullptr) return std::nullopt;
  return delivery::ReplayRequest{std::string(event->source), std::string(event->id), *life};
}

void SimWorker::read_companion(delivery::Lane& mine, Reading& reading, const std::string& topic,
                               const RetryLog& log) {
  const auto known = mine.companions().find(topic);
  std::int64_t begin = known == mine.companions().end() ? 0 : known->second;
  if (scene_.faults.planted(Plant::companions_at_end)) begin = log.high();
  std::int64_t& next = reading.next.try_emplace(topic, begin).first->second;
  next = std::max(next, log.low);
  const std::int64_t until =
      std::min(log.high(), next + (scene_.faults.on ? scene_.random.between(0, 3) : 100));
  if (next >= until) return;
  std::vector<delivery::ReplayRequest> requests;
  for (; next < until; ++next) {
    message::RecordBatch batch;
    log.records[static_cast<std::size_t>(next)].append_to(batch);
    const message::Record record = batch.record(0);
    if (auto request = request_in(record)) requests.push_back(std::move(*request));
    if (const auto attempt = record.header("spool-attempt"))
      process_.records_read.insert({serial_of(record), std::stoi(std::string(*attempt)) - 1});
    if (scene_.faults.planted(Plant::record_hastens)) hastened_ = 3'600'000'000;
  }
  if (scene_.trace.on())
    note("read " + topic + " of " + to_text(mine.id()) + " up to " + std::to_string(next) +
         ", requests: " + std::to_string(requests.size()));
  if (scene_.faults.planted(Plant::requests_later)) {
    mine.companion_read(topic, next, std::exchange(reading.later, {}));
    std::move(requests.begin(), requests.end(), std::back_inserter(reading.later));
  } else {
    mine.companion_read(topic, next, std::move(requests));
  }
}

void SimWorker::read_companions(const LaneId& lane) {
  delivery::Lane* mine = dispatcher_.find(lane);
  if (mine == nullptr || (mine->phase() != delivery::LanePhase::running &&
                          mine->phase() != delivery::LanePhase::unplaced))
    return;
  Reading& reading = readings_[lane];
  if (std::exchange(reading.generation, mine->generation()) != mine->generation())
    reading = {mine->generation(), {}, {}};
  for (const auto& [topic, log] : scene_.broker.retry_logs(lane))
    read_companion(*mine, reading, topic, log);
}

void SimWorker::read_all_companions() {
  for (const auto& [lane, fetching] : fetches_) read_companions(lane);
}

void SimWorker::poll_commands() {
  const auto lanes = dispatcher_.owned();
  const auto commands = store_.commands(lanes);
  if (commands) dispatcher_.set_commands(*commands);
}

// --- Publishing and comparing.

void SimWorker::append(Publication& publication) {
  publication.appended = true;
  scene_.broker.publish(publication.lane, publication.row);
  if (scene_.trace.on())
    note("published row " + std::to_string(publication.row.number) + " of " +
         to_text(publication.lane) + " on " + publication.row.topic);
}

void SimWorker::answer(std::size_t index, const Status& outcome) {
  const Publication publication = std::move(publications_[index]);
  publications_.erase(publications_.begin() + static_cast<std::ptrdiff_t>(index));
  if (scene_.trace.on())
    note("hears of row " + std::to_string(publication.row.number) +
         (outcome ? ": published" : ": " + outcome.failure().text));
  const bool lie = !outcome && scene_.faults.planted(Plant::failure_is_published);
  dispatcher_.published(publication.lane, publication.generation, publication.row.number,
                        lie ? Status() : outcome, moment().at);
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

void SimWorker::publish_all() {
  while (!publications_.empty()) relay(0);
}

void SimWorker::compare() {
  if (scene_.faults.planted(Plant::no_comparison)) return;
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

void SimWorker::compare_now() {
  do compare();
  while (comparison_);
}

}  // namespace spool::simulation
