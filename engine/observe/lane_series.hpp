// Inner part of observe: the series of one lane, shared by the handles on it.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "engine/observe/families.hpp"
#include "engine/observe/lane_metrics.hpp"

namespace spool::observe {

// A gauge that is absent until it is known, and again when it is not.
struct OptionalGauge {
  GaugeFamily& family;
  prometheus::Gauge* gauge = nullptr;
};

inline constexpr std::size_t kPauseReasons = 6;

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
  std::array<prometheus::Gauge*, kPauseReasons> paused{};
  prometheus::Gauge& uncovered;
  prometheus::Counter& fenced_commits;
};

}  // namespace spool::observe
