#include "engine/runtime/intake.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/runtime/group_note.hpp"
#include "engine/runtime/kafka_log.hpp"

namespace spool::runtime {
namespace {

constexpr std::size_t kSliceBytesMax = 512UL * 1024;
constexpr std::chrono::milliseconds kReportPeriod{1'000};

observe::PauseReason metric_of(delivery::PauseReason reason) {
  switch (reason) {
    case delivery::PauseReason::backpressure:
      return observe::PauseReason::backpressure;
    case delivery::PauseReason::schema:
      return observe::PauseReason::schema;
    case delivery::PauseReason::position_lost:
      return observe::PauseReason::position_lost;
    case delivery::PauseReason::circuit:
      return observe::PauseReason::circuit;
    case delivery::PauseReason::dead_letters:
      return observe::PauseReason::dead_letters;
    case delivery::PauseReason::operator_:
      return observe::PauseReason::operator_;
    default:
      return observe::PauseReason::database;
  }
}

constexpr delivery::PauseReason kReasons[] = {
    delivery::PauseReason::backpressure, delivery::PauseReason::database,
    delivery::PauseReason::schema,       delivery::PauseReason::position_lost,
    delivery::PauseReason::circuit,      delivery::PauseReason::dead_letters,
    delivery::PauseReason::operator_};

std::string list_of(const std::vector<std::int32_t>& partitions) {
  std::string text;
  for (const std::int32_t partition : partitions) {
    if (!text.empty()) text += ',';
    text += std::to_string(partition);
  }
  return text;
}

}  // namespace

Intake::Intake(Loop& loop, LaneBoard& board, std::unique_ptr<kafka::Consumer> consumer,
               IntakeSettings settings, observe::Metrics& metrics, observe::Logger& log,
               std::function<void(base::Failure)> on_fatal,
               std::function<void(delivery::ToCall)> call)
    : loop_(loop),
      board_(board),
      consumer_(std::move(consumer)),
      settings_(std::move(settings)),
      metrics_(metrics),
      log_(log),
      on_fatal_(std::move(on_fatal)),
      call_(std::move(call)) {
  loop_.on_readable(consumer_->wake_fd(), [this] {
    consumer_->drain_wake();
    for (auto& [partition, may] : may_have_records_) may = true;
    pump();
  });
  loop_.every(settings_.commit_interval, [this] {
    refused_ = false;
    commit_offsets();
  });
  loop_.every(kReportPeriod, [this] {
    report_lanes();
    board_.with([this](delivery::Dispatcher& lanes) {
      lanes.drop_late_calls(settings_.handler, LaneBoard::now());
    });
    pump();  // deadlines of revocations and placements pass without an event
  });
}

void Intake::pump() {
  if (left_) return;
  serve_events();
  finish_revocation();
  place();
  if (!refused_ && board_.with([this](delivery::Dispatcher& lanes) {
        return lanes.notes_awaited(settings_.handler);
      })) {
    commit_offsets();
  }
  if (leaving_ && consumer_->closed()) {
    left_ = true;
    return;
  }
  if (taking_in_ && take_in() && !pump_posted_) {
    // More is waiting: the loop's other duties first.
    pump_posted_ = true;
    loop_.post([this] {
      pump_posted_ = false;
      pump();
    });
  }
}

void Intake::serve_events() {
  for (;;) {
    const kafka::Consumer::Event event = consumer_->poll();
    if (std::holds_alternative<std::monostate>(event)) return;
    std::visit([this](const auto& e) { on_event(e); }, event);
  }
}

void Intake::on_event(const kafka::Consumer::Assigned& event) {
  metrics_.count_rebalance(settings_.group, observe::RebalanceEvent::assign);
  log_.info("group.assigned",
            {{"group", settings_.group}, {"partitions", list_of(event.partitions)}});
  board_.with(
      [&](delivery::Dispatcher& lanes) { lanes.assign(settings_.handler, event.partitions); });
  may_have_records_.clear();
  for (const std::int32_t partition : event.partitions) may_have_records_[partition] = true;
  assigned_ = true;
  board_.wake_all();
}

void Intake::on_event(const kafka::Consumer::Revoked& event) {
  metrics_.count_rebalance(settings_.group, event.lost ? observe::RebalanceEvent::lost
                                                       : observe::RebalanceEvent::revoke);
  log_.info("group.revoked", {{"group", settings_.group},
                              {"partitions", list_of(event.partitions)},
                              {"lost", event.lost}});
  board_.with([&](delivery::Dispatcher& lanes) { lanes.revoke_all(settings_.handler); });
  revocation_deadline_ = LaneBoard::now() + settings_.drain_timeout;
  assigned_ = false;
  board_.wake_all();  // each lane has a last job: to let go of it
}

void Intake::on_event(const kafka::Consumer::PartitionFailed& event) {
  log_.warn("partition.failed", {{"topic", settings_.topic},
                                 {"partition", event.partition},
                                 {"kind", base::to_string(event.failure.kind)},
                                 {"error", event.failure.text}});
  board_.with([&](delivery::Dispatcher& lanes) {
    delivery::Lane* lane = lanes.find({settings_.handler, event.partition});
    if (lane != nullptr) lane->partition_failed(event.failure, LaneBoard::now());
  });
  board_.wake_one();
}

void Intake::on_event(const kafka::Consumer::HandleFailed& event) {
  log_.write(event.fatal ? observe::Level::error : observe::Level::warn, "kafka.failed",
             {{"group", settings_.group},
              {"kind", base::to_string(event.failure.kind)},
              {"error", event.failure.text}});
  if (event.fatal) on_fatal_(event.failure);
}

void Intake::on_event(const kafka::LogLine& event) {
  log_kafka_line(log_, settings_.group, event);
}

void Intake::on_event(const kafka::Consumer::OffsetsCommitted& event) {
  if (event.status) {
    std::vector<delivery::GroupNote> taken;
    taken.reserve(event.starts.size());
    for (const kafka::Start& start : event.starts)
      taken.push_back({start.partition, start.offset, mark_of_note(start.note)});
    auto free = board_.with([&](delivery::Dispatcher& lanes) {
      return lanes.noted(settings_.handler, taken, LaneBoard::now());
    });
    for (delivery::ToCall& calls : free) call_(std::move(calls));
    return;
  }
  committed_.clear();
  refused_ = true;
  log_.debug("group.commit_failed",
             {{"group", settings_.group}, {"error", event.status.failure().text}});
}

void Intake::finish_revocation() {
  if (!revocation_deadline_) return;
  const bool quiet =
      board_.with([&](delivery::Dispatcher& lanes) { return lanes.quiescent(settings_.handler); });
  if (!quiet && LaneBoard::now() < *revocation_deadline_) return;
  revocation_deadline_.reset();
  consumer_->unassign();
  board_.with([&](delivery::Dispatcher& lanes) { lanes.drop_revoked(settings_.handler); });
  views_.clear();
  committed_.clear();
  may_have_records_.clear();
}

void Intake::place() {
  if (!assigned_ || revocation_deadline_) return;
  const auto placements = board_.with([&](delivery::Dispatcher& lanes) {
    return lanes.placement(settings_.handler, LaneBoard::now(), settings_.placement_patience);
  });
  if (!placements) return;
  std::vector<kafka::Start> starts;
  for (const delivery::Placement& placement : *placements) {
    starts.push_back({placement.partition, placement.offset});
    may_have_records_[placement.partition] = true;
  }
  if (const auto placed = consumer_->assign(starts); !placed) {
    // A revocation has overtaken us, or librdkafka refuses: the lanes are taken again either way.
    log_.warn("group.assign_failed",
              {{"group", settings_.group}, {"error", placed.failure().text}});
    board_.with([&](delivery::Dispatcher& lanes) {
      for (const kafka::Start& start : starts) {
        if (auto* lane = lanes.find({settings_.handler, start.partition}))
          lane->forget("not placed");
      }
    });
    board_.wake_all();
  }
}

// Answers whether there may be more that a lane would take at once.
bool Intake::take_in() {
  bool more = false;
  for (auto& [partition, may] : may_have_records_) {
    if (may) more |= take_in_lane(partition);
  }
  return more;
}

bool Intake::take_in_lane(std::int32_t partition) {
  const delivery::LaneId id{settings_.handler, partition};
  const bool wanted = board_.with([&](delivery::Dispatcher& lanes) {
    const delivery::Lane* lane = lanes.find(id);
    return lane != nullptr && lane->wants_records();
  });
  if (!wanted) return false;  // asked again when a job has ended
  message::RecordBatch records;
  const auto polled =
      consumer_->poll_partition(partition, records, settings_.slice_records_max, kSliceBytesMax);
  if (polled.emptied) may_have_records_[partition] = false;
  if (polled.records > 0 || polled.end_offset) {
    board_.with([&](delivery::Dispatcher& lanes) {
      if (delivery::Lane* lane = lanes.find(id))
        lane->offer(std::move(records), polled.end_offset, LaneBoard::now());
    });
    board_.wake_one();
  }
  if (polled.failure) on_event(kafka::Consumer::PartitionFailed{partition, *polled.failure});
  return !polled.emptied;
}

void Intake::commit_offsets() {
  if (!assigned_ || revocation_deadline_) return;
  const auto notes = board_.with(
      [this](delivery::Dispatcher& lanes) { return lanes.group_notes(settings_.handler); });
  std::vector<kafka::Start> moved;
  for (const delivery::GroupNote& note : notes) {
    kafka::Start here{note.partition, note.next, group_note(note.mark)};
    const auto known = committed_.find(here.partition);
    if (known == committed_.end() || known->second != std::pair(here.offset, here.note))
      moved.push_back(std::move(here));
  }
  if (moved.empty()) return;
  for (const kafka::Start& start : moved) committed_[start.partition] = {start.offset, start.note};
  consumer_->commit(moved);
}

void Intake::report_lanes() {
  if (revocation_deadline_) return;
  board_.with([&](delivery::Dispatcher& lanes) {
    lanes.for_each([&](const delivery::Lane& lane) {
      if (lane.id().handler != settings_.handler) return;
      const std::int32_t partition = lane.id().partition;
      auto& view = views_[partition];
      if (view == nullptr) {
        view = metrics_.lane({settings_.group, settings_.topic, partition, settings_.handler});
      }
      const delivery::PauseReason paused = lane.pause_reason();
      for (const delivery::PauseReason reason : kReasons)
        view->set_paused(metric_of(reason), reason == paused);
      if (lane.phase() == delivery::LanePhase::untaken) return;
      observe::LaneProgress progress;
      progress.position = lane.next();
      if (const auto known = committed_.find(partition); known != committed_.end())
        progress.committed = known->second.first;
      if (const auto end = consumer_->cached_end(partition))
        progress.lag = std::max<std::int64_t>(0, *end - lane.next());
      if (const std::int64_t oldest = lane.oldest_waiting_timestamp_ms(); oldest >= 0)
        progress.oldest_unprocessed = oldest * 1000;
      view->set_progress(progress);
      view->set_uncovered(lane.next() - lane.start() - lane.counters().sum());
      view->set_held(
          {lane.counters().open, static_cast<std::int64_t>(lane.held_keys()), lane.open_bytes()});
    });
  });
}

void Intake::leave() {
  taking_in_ = false;
  leaving_ = true;
  commit_offsets();
  consumer_->close();
  pump();
}

}  // namespace spool::runtime
