#include "engine/app/foreign_redrive.hpp"

#include <algorithm>

#include "engine/kafka/group_offsets.hpp"
#include "engine/message/foreign_origin.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBrokerLimit{5};
// A member that died is forgotten by the group after its session; then we may come in.
constexpr std::chrono::seconds kJoinLimit{45};
constexpr std::chrono::milliseconds kStep{100};
constexpr std::size_t kReadRecords = 200;
constexpr std::size_t kReadBytes = 1UL << 20;
constexpr std::size_t kInFlightMax = 1'000;
constexpr std::size_t kKindsMax = 1'000;
constexpr const char* kReplayHeader = "spool-replay-id";

Failure running_elsewhere(const std::string& topic) {
  return {FailureKind::conflict, "another redrive of " + topic + " is running"};
}

}  // namespace

ForeignRedrive::ForeignRedrive(RedriveSettings settings,
                               const kafka::ClusterSettings& cluster_settings,
                               kafka::Cluster& cluster, kafka::Producer* producer,
                               Interrupt& interrupt, std::function<void(std::int64_t)> progress)
    : settings_(std::move(settings)),
      cluster_settings_(cluster_settings),
      cluster_(cluster),
      producer_(producer),
      interrupt_(interrupt),
      progress_(std::move(progress)) {}

// How much there is, and where the last redrive ended.
Status ForeignRedrive::look_at_topic() {
  const auto to = cluster_.partition_count(settings_.to, kBrokerLimit);
  if (!to) return to.failure();
  partitions_to_ = *to;
  const auto from = cluster_.partition_count(settings_.topic, kBrokerLimit);
  if (!from) return from.failure();
  const auto committed = kafka::group_offsets(cluster_settings_, settings_.group, settings_.topic,
                                              *from, kBrokerLimit);
  if (!committed) return committed.failure();
  for (std::int32_t partition = 0; partition < *from; ++partition) {
    const auto marks = cluster_.watermarks(settings_.topic, partition, kBrokerLimit);
    if (!marks) return marks.failure();
    Source& source = sources_[partition];
    source.end = marks->high;
    source.next = marks->low;
    const auto known = committed->find(partition);
    if (settings_.from_start || known == committed->end()) continue;
    // Beyond the end: the topic was made anew since.
    if (known->second > marks->low && known->second <= marks->high) source.next = known->second;
    source.committed = known->second;
  }
  return {};
}

Result<RedriveReport> ForeignRedrive::run(const kafka::ConsumerSettings& consumer_settings) {
  if (auto looked = look_at_topic(); !looked) return looked.failure();
  if (finished()) return report_;
  kafka::ConsumerSettings settings = consumer_settings;
  settings.topic = settings_.topic;
  // Who only looks is a member of a group of its own, which nobody remembers.
  settings.group = settings_.group + (settings_.dry_run ? "." + settings_.replay_id : "");
  auto opened = kafka::Consumer::open(settings);
  if (!opened) return opened.failure();
  consumer_ = std::move(*opened);
  if (producer_ != nullptr) producer_->prepare(settings_.to);
  const Status worked = work();
  const Status settled = settle();
  if (!worked) return worked.failure();
  if (!settled) return settled.failure();
  return report_;
}

Status ForeignRedrive::work() {
  const auto joined_by = Clock::now() + kJoinLimit;
  while (!finished() && !full()) {
    if (auto done = take_events(); !done) return done;
    if (!assigned_ && Clock::now() > joined_by) return running_elsewhere(settings_.topic);
    const std::int64_t before = report_.published + report_.skipped;
    for (auto& [partition, source] : sources_) {
      if (auto done = read(partition, source); !done) return done;
    }
    if (auto done = take_reports(); !done) return done;
    commit();
    progress_(report_.published + report_.skipped);
    const bool idle = report_.published + report_.skipped == before;
    const bool sending = !in_flight_.empty();
    report_.interrupted = interrupt_.wait(idle ? kStep : std::chrono::milliseconds(0),
                                          sending ? producer_->wake_fd() : consumer_->wake_fd());
    if (report_.interrupted) break;
  }
  return {};
}

// What was sent is waited for, and the group is told.
Status ForeignRedrive::settle() {
  const auto deadline = Clock::now() + settings_.patience;
  while (!in_flight_.empty() && Clock::now() < deadline) {
    interrupt_.wait(kStep, producer_->wake_fd());
    if (auto done = take_reports(); !done) return done;
  }
  if (!assigned_ || settings_.dry_run) return {};
  for (bool last = false; (committing_ || !last) && Clock::now() < deadline;) {
    if (auto done = take_events(); !done) return done;
    if (committing_) {
      interrupt_.wait(kStep, consumer_->wake_fd());
    } else if (!last) {
      commit();
      last = true;
    }
  }
  if (uncommitted_) return *uncommitted_;
  if (in_flight_.empty()) return {};
  return Failure(FailureKind::unavailable,
                 std::to_string(in_flight_.size()) +
                     " records were not acknowledged; the next redrive begins with them");
}

bool ForeignRedrive::finished() const {
  return std::ranges::all_of(sources_, [](const auto& one) { return one.second.done(); });
}

Status ForeignRedrive::take_events() {
  consumer_->drain_wake();
  for (auto event = consumer_->poll(); event.index() != 0; event = consumer_->poll()) {
    if (const auto* assigned = std::get_if<kafka::Consumer::Assigned>(&event)) {
      if (auto done = assign(assigned->partitions); !done) return done;
    } else if (std::holds_alternative<kafka::Consumer::Revoked>(event)) {
      consumer_->unassign();
      return running_elsewhere(settings_.topic);
    } else if (const auto* failed = std::get_if<kafka::Consumer::PartitionFailed>(&event)) {
      return failed->failure;
    } else if (const auto* handle = std::get_if<kafka::Consumer::HandleFailed>(&event)) {
      if (handle->fatal || handle->failure.kind != FailureKind::unavailable) return handle->failure;
    } else if (const auto* committed = std::get_if<kafka::Consumer::OffsetsCommitted>(&event)) {
      committing_ = false;
      uncommitted_.reset();
      if (!committed->status) uncommitted_ = committed->status.failure();
    }
  }
  return {};
}

Status ForeignRedrive::assign(const std::vector<std::int32_t>& partitions) {
  std::vector<kafka::Start> starts;
  for (const std::int32_t partition : partitions) {
    const auto source = sources_.find(partition);
    if (source != sources_.end()) starts.push_back({partition, source->second.next});
  }
  if (auto done = consumer_->assign(starts); !done) return done;
  if (starts.size() < sources_.size()) return running_elsewhere(settings_.topic);
  assigned_ = true;
  return {};
}

Status ForeignRedrive::read(std::int32_t partition, Source& source) {
  if (!assigned_ || source.done() || in_flight_.size() >= kInFlightMax) return {};
  message::RecordBatch batch;
  const auto polled = consumer_->poll_partition(partition, batch, kReadRecords, kReadBytes);
  for (std::size_t i = 0; i < batch.size() && !source.done() && !full(); ++i) {
    const message::Record record = batch.record(i);
    if (record.offset >= source.end) {
      source.next = source.end;
      break;
    }
    if (auto done = handle(partition, source, record); !done) return done;
    source.next = record.offset + 1;
  }
  if (full()) return {};
  // Control records at the end: nothing more comes.
  if (polled.end_offset && *polled.end_offset >= source.end) source.next = source.end;
  if (polled.failure) return *polled.failure;
  return {};
}

Status ForeignRedrive::handle(std::int32_t partition, Source& source,
                              const message::Record& record) {
  const auto origin = message::foreign_origin(record.headers);
  if (!origin) {
    count("", "", "no_origin");
    return {};
  }
  if (origin->topic != settings_.to) {
    count(origin->topic, origin->exception, "other_topic");
    return {};
  }
  if (!settings_.dry_run) {
    if (auto sent = publish(partition, record, origin->partition); !sent) return sent;
    source.in_flight.insert(record.offset);
  }
  count(origin->topic, origin->exception, "published");
  return {};
}

// To the partition it came from, while there is one: other clients may spread keys otherwise.
Status ForeignRedrive::publish(std::int32_t partition, const message::Record& record,
                               std::optional<std::int32_t> origin_partition) {
  std::vector<message::Header> headers;
  for (const message::Header& header : record.headers) {
    if (header.name != kReplayHeader) headers.push_back(header);
  }
  headers.push_back({kReplayHeader, settings_.replay_id});
  kafka::OutboundRecord out;
  out.topic = settings_.to;
  out.key = record.key;
  out.value = record.value;
  out.headers = headers;
  if (origin_partition && *origin_partition < partitions_to_) out.partition = origin_partition;
  out.tag = tag_;
  const auto deadline = Clock::now() + settings_.patience;
  Status taken = producer_->publish(out);
  while (!taken && taken.failure().kind == FailureKind::unavailable && Clock::now() < deadline) {
    interrupt_.wait(kStep, producer_->wake_fd());
    if (auto done = take_reports(); !done) return done;
    taken = producer_->publish(out);
  }
  if (taken) in_flight_[tag_++] = {partition, record.offset};
  return taken;
}

Status ForeignRedrive::take_reports() {
  if (producer_ == nullptr) return {};
  producer_->drain_wake();
  for (const kafka::Delivery& delivery : producer_->poll()) {
    const auto found = in_flight_.extract(delivery.tag);
    if (found.empty()) continue;
    const auto& [partition, offset] = found.mapped();
    // It stays in flight for the commit: the group must not pass it.
    if (!delivery.status)
      return Failure(delivery.status.failure().kind,
                     settings_.topic + "/" + std::to_string(partition) + "@" +
                         std::to_string(offset) + ": " + delivery.status.failure().text);
    sources_[partition].in_flight.erase(offset);
  }
  return {};
}

void ForeignRedrive::count(const std::string& origin, const std::string& exception,
                           const char* verdict) {
  RedriveKind kind{origin, exception, verdict};
  if (report_.counts.size() >= kKindsMax && !report_.counts.contains(kind))
    kind = {"(others)", "", verdict};
  ++report_.counts[kind];
  ++(kind.verdict == "published" ? report_.published : report_.skipped);
}

void ForeignRedrive::commit() {
  if (!assigned_ || settings_.dry_run || committing_) return;
  std::vector<kafka::Start> offsets;
  for (auto& [partition, source] : sources_) {
    if (source.safe() == source.committed) continue;
    source.committed = source.safe();
    offsets.push_back({partition, source.committed});
  }
  if (offsets.empty()) return;
  consumer_->commit(offsets);
  committing_ = true;
}

}  // namespace spool::app
