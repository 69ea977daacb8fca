#include "engine/runtime/companions.hpp"

#include <variant>

#include "engine/delivery/attempts.hpp"
#include "engine/runtime/kafka_log.hpp"

namespace spool::runtime {
namespace {

constexpr std::size_t kRecordsMax = 1'000;
constexpr std::size_t kBytesMax = 512UL * 1024;
constexpr int kBatchesMax = 16;  // then the loop's other duties
constexpr std::chrono::milliseconds kFollowPeriod{200};

}  // namespace

Companions::Companions(Loop& loop, LaneBoard& board, std::unique_ptr<kafka::Reader> reader,
                       std::map<std::string, std::vector<std::string>> topics, observe::Logger& log)
    : loop_(loop),
      board_(board),
      reader_(std::move(reader)),
      topics_(std::move(topics)),
      log_(log) {
  loop_.on_readable(reader_->wake_fd(), [this] {
    reader_->drain_wake();
    readable_ = true;
    pump();
  });
  loop_.every(kFollowPeriod, [this] {
    follow();
    pump();
  });
}

void Companions::pump() {
  serve_events();
  if (readable_) read();
}

// Lanes come and go: what is read follows them, in one assignment for all.
void Companions::follow() {
  std::map<Partition, Followed> wanted;
  board_.with([&](delivery::Dispatcher& lanes) {
    lanes.for_each([&](const delivery::Lane& lane) {
      const auto phase = lane.phase();
      if (phase != delivery::LanePhase::running && phase != delivery::LanePhase::unplaced) return;
      for (const std::string& topic : topics_.at(lane.id().handler)) {
        const auto known = lane.companions().find(topic);
        const std::int64_t next = known == lane.companions().end() ? 0 : known->second;
        wanted.emplace(Partition{topic, lane.id().partition},
                       Followed{lane.id().handler, next, lane.epoch()});
      }
    });
  });
  bool changed = wanted.size() != followed_.size();
  for (auto& [partition, followed] : wanted) {
    const auto known = followed_.find(partition);
    const bool same = known != followed_.end() && known->second.epoch == followed.epoch;
    if (same) followed.next = known->second.next;
    changed |= !same;
  }
  if (!changed) return;
  std::vector<kafka::Position> positions;
  positions.reserve(wanted.size());
  for (const auto& [partition, followed] : wanted)
    positions.push_back({partition.first, partition.second, followed.next});
  if (const auto assigned = reader_->assign(positions); !assigned) {
    log_.warn("companions.assign_failed", {{"error", assigned.failure().text}});
    return;  // tried again with the next turn
  }
  followed_ = std::move(wanted);
  readable_ = true;
}

void Companions::read() {
  for (int i = 0; i < kBatchesMax; ++i) {
    const auto batch = reader_->poll(kRecordsMax, kBytesMax);
    if (!batch) {
      readable_ = false;
      return;
    }
    hand_over(*batch);
  }
  if (pump_posted_) return;
  pump_posted_ = true;
  loop_.post([this] {
    pump_posted_ = false;
    pump();
  });
}

void Companions::hand_over(const kafka::Reader::Batch& batch) {
  const auto followed = followed_.find({batch.topic, batch.partition});
  if (followed == followed_.end()) return;
  followed->second.next = batch.next_offset;
  std::vector<delivery::ReplayRequest> requests;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    const message::Record record = batch.records.record(i);
    const auto life = delivery::asked_life(record);
    if (!life) continue;
    const auto read = envelope_.read(record);
    const auto [source, id] = std::visit(
        [](const auto& e) { return std::pair(std::string(e.source), std::string(e.id)); }, read);
    if (!source.empty() && !id.empty()) requests.push_back({source, id, *life});
  }
  const bool asked = !requests.empty();
  board_.with([&](delivery::Dispatcher& lanes) {
    delivery::Lane* lane = lanes.find({followed->second.handler, batch.partition});
    if (lane != nullptr && lane->epoch() == followed->second.epoch)
      lane->companion_read(batch.topic, batch.next_offset, std::move(requests));
  });
  if (asked) board_.wake_one();
}

void Companions::serve_events() {
  for (;;) {
    const kafka::Reader::Event event = reader_->poll_event();
    if (std::holds_alternative<std::monostate>(event)) return;
    if (const auto* line = std::get_if<kafka::LogLine>(&event)) {
      log_kafka_line(log_, "companions", *line);
    } else if (const auto* failed = std::get_if<kafka::Reader::PartitionFailed>(&event)) {
      log_.warn("companion.failed", {{"topic", failed->topic},
                                     {"partition", failed->partition},
                                     {"kind", base::to_string(failed->failure.kind)},
                                     {"error", failed->failure.text}});
    } else {
      const auto& failure = std::get<kafka::Reader::HandleFailed>(event).failure;
      log_.warn("companions.failed",
                {{"kind", base::to_string(failure.kind)}, {"error", failure.text}});
    }
  }
}

}  // namespace spool::runtime
