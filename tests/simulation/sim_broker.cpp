#include "tests/simulation/sim_broker.hpp"

#include <algorithm>
#include <array>

namespace spool::simulation {
namespace {

constexpr const char* kSource = "/simulation";

void append(message::RecordBatch& batch, std::int64_t offset, const Entry& entry) {
  const std::string id = "e" + std::to_string(entry.number);
  const std::string key = "k" + std::to_string(entry.key);
  const std::string value = "{\"n\":" + std::to_string(entry.number) +
                            ",\"k\":" + std::to_string(entry.key) +
                            ",\"v\":" + std::to_string(entry.version) +
                            ",\"f\":" + std::to_string(static_cast<int>(entry.flaw)) + "}";
  const char* type = entry.flaw == Flaw::unknown_type ? "stranger.v1" : "simulated.v1";
  const std::array headers{
      message::Header{"ce_specversion", "1.0"},
      message::Header{"ce_type", type},
      message::Header{"ce_source", kSource},
      message::Header{"ce_time", "2026-01-02T03:04:05Z"},
      message::Header{"content-type", "application/json"},
      message::Header{"ce_id", id},
  };
  message::Record record;
  record.offset = offset;
  record.timestamp_ms = entry.timestamp_ms;
  record.key = key;
  record.value = value;
  record.headers = headers;
  if (entry.flaw == Flaw::no_id) record.headers = record.headers.first(headers.size() - 1);
  batch.append(record);
}

}  // namespace

SimBroker::SimBroker(Random& random, const Swarm& swarm) : random_(random), swarm_(swarm) {
  for (const char* handler : {"ledger", "natural"}) {
    for (int partition = 0; partition < swarm.partitions; ++partition) {
      lanes_.push_back({handler, partition});
      logs_[lanes_.back()].emplace_back();
    }
  }
}

Entry SimBroker::make_event(const delivery::LaneId& lane, const PartitionLog& log) {
  const auto offset = log.high();
  if (offset > 0 && random_.chance(swarm_.duplicate)) {
    const auto original = random_.below(log.entries.size());
    Entry copy = log.entries[original];
    // Without an id nobody can tell that it is the same.
    if (!copy.gap && copy.flaw != Flaw::no_id) {
      if (copy.copy_of < 0) copy.copy_of = static_cast<std::int64_t>(original);
      copy.timestamp_ms = ++clock_ms_;
      return copy;
    }
  }
  Entry entry;
  entry.number = ++events_;
  entry.key = random_.between(1, swarm_.keys);
  entry.version = entry.number;
  if (random_.chance(swarm_.late)) entry.version -= random_.between(1, entry.version);
  if (random_.chance(swarm_.flaw)) entry.flaw = static_cast<Flaw>(random_.between(1, 5));
  entry.timestamp_ms = ++clock_ms_;
  entry.identity = {kSource, "e" + std::to_string(entry.number)};
  if (entry.flaw == Flaw::no_id) {
    entry.identity = message::coordinates_identity(topic(lane.handler), lane.partition, offset,
                                                   entry.timestamp_ms);
  }
  return entry;
}

bool SimBroker::produce(const delivery::LaneId& lane) {
  PartitionLog& log = logs_.at(lane).back();
  if (log.high() >= swarm_.records_max) return false;
  if (random_.chance(swarm_.gap)) {
    Entry control;
    control.gap = true;
    log.entries.push_back(control);
    return true;
  }
  log.entries.push_back(make_event(lane, log));
  return true;
}

void SimBroker::retain(const delivery::LaneId& lane) {
  PartitionLog& log = logs_.at(lane).back();
  log.low += random_.between(0, static_cast<int>(log.high() - log.low));
}

void SimBroker::recreate(const delivery::LaneId& lane) {
  auto& logs = logs_.at(lane);
  const int before = static_cast<int>(logs.back().high());
  logs.emplace_back();
  const int records = random_.between(0, before + 5);
  for (int i = 0; i < records; ++i) logs.back().entries.push_back(make_event(lane, logs.back()));
}

std::optional<Fetched> SimBroker::fetch(const delivery::LaneId& lane, std::int64_t offset,
                                        int most) const {
  const PartitionLog& now = log(lane);
  if (offset < now.low || offset > now.high()) return std::nullopt;
  Fetched fetched;
  fetched.next = offset;
  while (fetched.next < now.high() && fetched.records.size() < static_cast<std::size_t>(most)) {
    const Entry& entry = now.entries[static_cast<std::size_t>(fetched.next)];
    if (!entry.gap) append(fetched.records, fetched.next, entry);
    ++fetched.next;
  }
  fetched.at_end = fetched.next == now.high();
  // A consumer learns of a gap only by what follows it.
  if (!fetched.records.empty()) {
    fetched.next = fetched.records.offset(fetched.records.size() - 1) + 1;
  }
  return fetched;
}

std::int64_t SimBroker::group_offset(const delivery::LaneId& lane) const {
  const auto entry = group_.find(lane);
  return entry == group_.end() ? log(lane).low : entry->second;
}

}  // namespace spool::simulation
