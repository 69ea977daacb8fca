// Inner part of observe: the series of one lane, shared by the handles on it.
#pragma once

#include <array>
#include <mutex>

#include "engine/observe/families.hpp"
#include "engine/observe/gauges.hpp"
#include "engine/observe/lane_metrics.hpp"

namespace spool::observe {

inline constexpr std::size_t kPauseReasons = 7;

struct LaneSeries {
  LaneSeries(Families& families, const LaneLabels& lane);
  ~LaneSeries();
  LaneSeries(const LaneSeries&) = delete;
  LaneSeries& operator=(const LaneSeries&) = delete;

  Families& families;
  const LaneLabels labels;
  int handles = 0;  // guarded by MetricsState::lanes_mutex

  std::mutex mutex;  // guards which gauges exist
  OptionalGauge lag;
  OptionalGauge position;
  OptionalGauge committed;
  OptionalGauge oldest_unprocessed;
  OptionalGauge open_events;
  OptionalGauge held_keys;
  OptionalGauge parked_bytes;
  std::array<prometheus::Gauge*, kPauseReasons> paused{};
  prometheus::Gauge& uncovered;
  prometheus::Counter& fenced_commits;
};

}  // namespace spool::observe
