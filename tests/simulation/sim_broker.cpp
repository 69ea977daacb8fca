#include "tests/simulation/sim_broker.hpp"

#include <algorithm>
#include <array>

namespace spool::simulation {
namespace {

constexpr base::EpochMicros kMillisecond = 1'000;

std::optional<std::string> header_of(const delivery::OutboxRow& row, std::string_view name) {
  for (const auto& [key, value] : row.headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace

delivery::RetryPolicy policy_of(const Swarm& swarm) {
  delivery::RetryPolicy policy;
  policy.delays = swarm.ladder;
  policy.classes[message::ErrorType::upstream_auth].delays = {std::chrono::milliseconds(7),
                                                              std::chrono::milliseconds(15)};
  return policy;
}

SimBroker::SimBroker(Random& random, const Swarm& swarm)
    : random_(random), calls_random_(random.split(1)), swarm_(swarm) {
  for (const std::string& handler : swarm.handlers) {
    for (int partition = 0; partition < swarm.partitions; ++partition) {
      lanes_.push_back({handler, partition});
      logs_[lanes_.back()].emplace_back();
      auto& retries = retry_logs_[lanes_.back()];
      for (const auto& name : delivery::retry_topics(topic(handler), policy_of(swarm)))
        retries[name];
    }
  }
}

void SimBroker::draw_nature(Plan& plan, base::EpochMicros now) {
  const int heals = random_.chance(300) ? 99 : random_.between(1, 3);
  const auto ails_of = [&](Nature nature) {
    plan.nature = nature;
    plan.heals = heals;
  };
  if (random_.chance(swarm_.flaw)) {
    constexpr std::array kFlaws{Nature::no_id,   Nature::unknown_type, Nature::rejected,
                                Nature::refused, Nature::throws,       Nature::throws_early};
    return ails_of(kFlaws[random_.below(kFlaws.size())]);
  }
  if (random_.chance(swarm_.transient)) {
    ails_of(random_.chance(700) ? Nature::transient : Nature::rate_limited);
    const int most = static_cast<int>(swarm_.ladder.size());
    plan.fails = random_.chance(swarm_.stubborn) ? most + 1 : random_.between(1, most);
    plan.pause_ms = random_.between(0, 120);
    return;
  }
  if (random_.chance(swarm_.service)) return ails_of(Nature::needs_service);
  if (random_.chance(swarm_.login)) {
    ails_of(Nature::needs_login);
    plan.at = now + random_.between(1, 200) * kMillisecond;
    return;
  }
  if (random_.chance(swarm_.slow_event)) return ails_of(Nature::slow);
  if (random_.chance(swarm_.deadly))
    ails_of(random_.chance(500) ? Nature::kills : Nature::kills_early);
}

// What is peculiar to events of the handler that performs. A replay is admitted among others,
// without a mark and without a search: who ends his process, or is too slow, has been mended before
// anybody asks for that.
void SimBroker::draw_call(Plan& plan) {
  if (calls_random_.chance(swarm_.swallows)) {
    plan.manner = Manner::swallows;
  } else if (calls_random_.chance(swarm_.ends)) {
    plan.manner = Manner::ends;
  }
  if (plan.nature == Nature::throws && calls_random_.chance(500)) plan.nature = Nature::declined;
  const bool alone = plan.nature == Nature::kills || plan.nature == Nature::kills_early ||
                     plan.nature == Nature::slow;
  if (alone) plan.heals = 1;
}

Plan SimBroker::draw_plan(base::EpochMicros now) {
  Plan plan;
  plan.number = static_cast<int>(plans_.size());
  plan.key = random_.chance(swarm_.keyless) ? 0 : random_.between(1, swarm_.keys);
  plan.finer = random_.between(1, 2);
  plan.version = plan.number;
  if (random_.chance(swarm_.late)) plan.version -= random_.between(1, plan.version);
  draw_nature(plan, now);
  const bool readable = plan.nature != Nature::no_id && plan.nature != Nature::unknown_type;
  if (readable && random_.chance(swarm_.scheduled))
    plan.due = now + random_.between(-10, 300) * kMillisecond;
  return plan;
}

Entry SimBroker::entry_of(const delivery::LaneId& lane, const PartitionLog& log, const Plan& plan) {
  Entry entry;
  entry.serial = ++serials_;
  entry.event = plan.number;
  entry.timestamp_ms = ++clock_ms_;
  entry.identity = {kSource, "e" + std::to_string(plan.number)};
  if (plan.nature == Nature::no_id) {
    entry.identity = message::coordinates_identity(topic(lane.handler), lane.partition, log.high(),
                                                   entry.timestamp_ms);
  }
  return entry;
}

std::optional<Entry> SimBroker::make_copy(const PartitionLog& log, std::size_t offset) {
  const Entry& original = log.entries[offset];
  // Without an id nobody can tell that it is the same.
  if (original.gap || original.asks >= 0 || plan(original.event).nature == Nature::no_id)
    return std::nullopt;
  Entry copy = original;
  copy.serial = ++serials_;
  copy.timestamp_ms = ++clock_ms_;
  return copy;
}

Entry SimBroker::make_event(const delivery::LaneId& lane, const PartitionLog& log,
                            base::EpochMicros now) {
  if (log.high() > 0 && random_.chance(swarm_.duplicate)) {
    if (auto copy = make_copy(log, random_.below(log.entries.size()))) return *copy;
  }
  plans_.push_back(draw_plan(now));
  if (lane.handler == kCalls) draw_call(plans_.back());
  return entry_of(lane, log, plans_.back());
}

bool SimBroker::produce(const delivery::LaneId& lane, base::EpochMicros now) {
  PartitionLog& log = logs_.at(lane).back();
  if (log.high() >= swarm_.records_max) return false;
  // None in a log that was made again: if nothing but gaps stands where the lane's last record was,
  // nobody can tell yet that it is another log.
  if (random_.chance(swarm_.gap) && incarnation(lane) == 1) {
    append_gap(lane);
    return true;
  }
  log.entries.push_back(make_event(lane, log, now));
  return true;
}

const Entry& SimBroker::append(const delivery::LaneId& lane, Plan plan) {
  PartitionLog& log = logs_.at(lane).back();
  plan.number = static_cast<int>(plans_.size());
  if (plan.version == 0) plan.version = plan.number;
  plans_.push_back(plan);
  log.entries.push_back(entry_of(lane, log, plan));
  return log.entries.back();
}

const Entry& SimBroker::append_copy(const delivery::LaneId& lane, std::size_t offset) {
  PartitionLog& log = logs_.at(lane).back();
  log.entries.push_back(*make_copy(log, offset));
  return log.entries.back();
}

void SimBroker::append_gap(const delivery::LaneId& lane) {
  Entry control;
  control.gap = true;
  logs_.at(lane).back().entries.push_back(control);
}

void SimBroker::retain(const delivery::LaneId& lane) {
  PartitionLog& log = logs_.at(lane).back();
  log.low += random_.between(0, static_cast<int>(log.high() - log.low));
}

void SimBroker::retain_retries(const delivery::LaneId& lane) {
  for (auto& [name, log] : retry_logs_.at(lane))
    log.low += random_.between(0, static_cast<int>(log.high() - log.low));
}

void SimBroker::recreate(const delivery::LaneId& lane, base::EpochMicros now) {
  auto& logs = logs_.at(lane);
  const int before = static_cast<int>(logs.back().high());
  logs.emplace_back();
  const int records = random_.between(0, before + 5);
  for (int i = 0; i < records; ++i)
    logs.back().entries.push_back(make_event(lane, logs.back(), now));
}

std::optional<Fetched> SimBroker::fetch(const delivery::LaneId& lane, std::int64_t offset,
                                        int most) const {
  const PartitionLog& now = log(lane);
  if (offset < now.low || offset > now.high()) return std::nullopt;
  Fetched fetched;
  fetched.next = offset;
  while (fetched.next < now.high() && fetched.records.size() < static_cast<std::size_t>(most)) {
    const Entry& entry = now.entries[static_cast<std::size_t>(fetched.next)];
    if (!entry.gap) record_of(entry, plan(entry.event), fetched.next).append_to(fetched.records);
    ++fetched.next;
  }
  fetched.at_end = fetched.next == now.high();
  // A consumer learns of a gap only by what follows it.
  if (!fetched.records.empty()) {
    fetched.next = fetched.records.offset(fetched.records.size() - 1) + 1;
  }
  return fetched;
}

void SimBroker::publish(const delivery::LaneId& lane, const delivery::OutboxRow& row) {
  Kept kept;
  kept.timestamp_ms = ++clock_ms_;
  kept.key = row.key;
  kept.value = row.value;
  kept.headers = row.headers;
  const bool dies = row.topic == dead_letter_topic(lane.handler);
  if (!dies && row.topic != kEventsTopic) {
    RetryLog& log = retry_logs_.at(lane).at(row.topic);
    kept.offset = log.high();
    log.records.push_back(std::move(kept));
    return;
  }
  const Letter letter{{*header_of(row, "sim-source"), *header_of(row, "sim-id")},
                      std::stoi(*header_of(row, "spool-life"))};
  if (!dies) {
    told_.insert(letter);
    return;
  }
  announce(letter);
  dead_letters_.push_back({lane, letter, std::move(kept)});
}

void SimBroker::copy_to_main(const Announcement& dead) {
  PartitionLog& log = logs_.at(dead.lane).back();
  message::RecordBatch batch;
  dead.record.append_to(batch);
  Entry entry;
  entry.serial = ++serials_;
  entry.event = event_of(*dead.record.value);
  entry.timestamp_ms = ++clock_ms_;
  entry.identity = dead.letter.identity;
  if (plan(entry.event).nature == Nature::no_id) {
    entry.identity = message::coordinates_identity(topic(dead.lane.handler), dead.lane.partition,
                                                   log.high(), entry.timestamp_ms);
  }
  entry.asks = dead.letter.life;
  entry.headers = dead.record.headers;
  log.entries.push_back(std::move(entry));
}

void SimBroker::copy_to_retry(const Announcement& dead) {
  auto& logs = retry_logs_.at(dead.lane);
  auto log = logs.begin();
  std::advance(log, random_.below(logs.size()));
  Kept copy = dead.record;
  copy.offset = log->second.high();
  copy.timestamp_ms = ++clock_ms_;
  log->second.records.push_back(std::move(copy));
}

std::int64_t SimBroker::group_offset(const delivery::LaneId& lane) const {
  const auto entry = group_.find(lane);
  return entry == group_.end() ? log(lane).low : entry->second;
}

}  // namespace spool::simulation
