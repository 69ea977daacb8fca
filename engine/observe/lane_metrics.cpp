#include "engine/observe/lane_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <utility>

#include "engine/observe/lane_series.hpp"

namespace spool::observe {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr std::array<const char*, kPauseReasons> kReasonWords = {
    "operator", "backpressure", "circuit", "database", "schema", "position_lost"};

Labels partition_labels(const LaneLabels& lane) {
  return {
      {"group", lane.group}, {"topic", lane.topic}, {"partition", std::to_string(lane.partition)}};
}

Labels lane_labels(const LaneLabels& lane) {
  return {{"handler", lane.handler}, {"partition", std::to_string(lane.partition)}};
}

void set(OptionalGauge& optional, const LaneLabels& lane, std::optional<double> value) {
  if (!value) {
    if (optional.gauge != nullptr) optional.family.Remove(optional.gauge);
    optional.gauge = nullptr;
    return;
  }
  if (optional.gauge == nullptr) optional.gauge = &optional.family.Add(partition_labels(lane));
  optional.gauge->Set(*value);
}

std::optional<double> number(std::optional<std::int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

std::optional<double> not_negative(std::optional<std::int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(*value, 0));
}

std::optional<double> seconds(std::optional<base::EpochMicros> time) {
  if (!time) return std::nullopt;
  return static_cast<double>(*time) / 1e6;
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
      lag{all.lag},
      position{all.position},
      committed{all.committed},
      oldest_unprocessed{all.oldest_unprocessed},
      uncovered(all.uncovered.Add(lane_labels(lane))),
      fenced_commits(all.fenced_commits.Add(lane_labels(lane))) {
  for (std::size_t i = 0; i < kPauseReasons; ++i) {
    Labels with_reason = partition_labels(lane);
    with_reason.emplace("reason", kReasonWords[i]);
    paused[i] = &all.paused.Add(with_reason);
  }
}

LaneSeries::~LaneSeries() {
  for (OptionalGauge* gauge : {&lag, &position, &committed, &oldest_unprocessed}) {
    set(*gauge, labels, std::nullopt);
  }
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
  set(series_.position, series_.labels, number(progress.position));
  set(series_.committed, series_.labels, number(progress.committed));
  set(series_.lag, series_.labels, not_negative(progress.lag));
  set(series_.oldest_unprocessed, series_.labels, seconds(progress.oldest_unprocessed));
}

void LaneMetrics::set_paused(PauseReason reason, bool paused) {
  series_.paused[static_cast<std::size_t>(reason)]->Set(paused ? 1 : 0);
}

void LaneMetrics::set_uncovered(std::int64_t offsets) {
  series_.uncovered.Set(static_cast<double>(offsets));
}

void LaneMetrics::count_fenced_commit() {
  series_.fenced_commits.Increment();
}

}  // namespace spool::observe
