#include "engine/observe/lane_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <utility>

#include "engine/observe/lane_series.hpp"

namespace spool::observe {
namespace {

constexpr std::array<const char*, kPauseReasons> kReasonWords = {
    "operator", "backpressure", "circuit", "database", "schema", "position_lost", "dead_letters"};

Labels partition_labels(const LaneLabels& lane) {
  return {
      {"group", lane.group}, {"topic", lane.topic}, {"partition", std::to_string(lane.partition)}};
}

Labels lane_labels(const LaneLabels& lane) {
  return {{"handler", lane.handler}, {"partition", std::to_string(lane.partition)}};
}

std::optional<double> number(std::optional<std::int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

std::optional<double> not_negative(std::optional<std::int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(*value, 0));
}

Labels counters_labels(const LaneLabels& lane) {
  Labels labels = lane_labels(lane);
  labels.emplace("check", "counters");
  return labels;
}

LaneSeries& open_series(MetricsState& state, const LaneLabels& labels) {
  const std::lock_guard lock(state.lanes_mutex);
  auto& slot = state.lanes[{labels.group, labels.topic, labels.partition, labels.handler}];
  if (!slot) slot = std::make_unique<LaneSeries>(state.families, labels);
  ++slot->handles;
  return *slot;
}

}  // namespace

LaneSeries::LaneSeries(Families& all, const LaneLabels& lane)
    : families(all),
      labels(lane),
      lag(all.lag, partition_labels(lane)),
      position(all.position, partition_labels(lane)),
      committed(all.committed, partition_labels(lane)),
      oldest_unprocessed(all.oldest_unprocessed, partition_labels(lane)),
      open_events(all.open_events, lane_labels(lane)),
      held_keys(all.held_keys, lane_labels(lane)),
      parked_bytes(all.parked_bytes, lane_labels(lane)),
      uncovered(all.uncovered.Add(counters_labels(lane))),
      fenced_commits(all.fenced_commits.Add(lane_labels(lane))) {
  for (std::size_t i = 0; i < kPauseReasons; ++i) {
    Labels with_reason = partition_labels(lane);
    with_reason.emplace("reason", kReasonWords[i]);
    paused[i] = &all.paused.Add(with_reason);
  }
}

LaneSeries::~LaneSeries() {
  for (prometheus::Gauge* gauge : paused) families.paused.Remove(gauge);
  families.uncovered.Remove(&uncovered);
}

LaneMetrics::LaneMetrics(std::shared_ptr<MetricsState> state, const LaneLabels& labels)
    : state_(std::move(state)), series_(open_series(*state_, labels)) {}

LaneMetrics::~LaneMetrics() {
  const LaneLabels& labels = series_.labels;
  const std::lock_guard lock(state_->lanes_mutex);
  if (--series_.handles > 0) return;
  // Found before erased: the key's text belongs to what is erased.
  const auto at =
      state_->lanes.find({labels.group, labels.topic, labels.partition, labels.handler});
  state_->lanes.erase(at);
}

void LaneMetrics::set_progress(const LaneProgress& progress) {
  const std::lock_guard lock(series_.mutex);
  series_.position.set(number(progress.position));
  series_.committed.set(number(progress.committed));
  series_.lag.set(not_negative(progress.lag));
  series_.oldest_unprocessed.set(unix_seconds(progress.oldest_unprocessed));
}

void LaneMetrics::set_paused(PauseReason reason, bool paused) {
  series_.paused[static_cast<std::size_t>(reason)]->Set(paused ? 1 : 0);
}

void LaneMetrics::set_held(const LaneHeld& held) {
  const std::lock_guard lock(series_.mutex);
  series_.open_events.set(number(held.open_events));
  series_.held_keys.set(number(held.held_keys));
  series_.parked_bytes.set(number(held.parked_bytes));
}

void LaneMetrics::set_uncovered(std::int64_t offsets) {
  series_.uncovered.Set(static_cast<double>(offsets));
}

void LaneMetrics::count_fenced_commit() {
  series_.fenced_commits.Increment();
}

}  // namespace spool::observe
