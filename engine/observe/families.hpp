// Inner part of observe: the registered metric families and the books that series are kept in. Only
// the .cpp files of this folder include it; nobody else sees the metrics library.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>

#include "engine/observe/metric_names.hpp"

namespace prometheus {
template <typename T>
class Family;
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace spool::observe {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using HistogramFamily = prometheus::Family<prometheus::Histogram>;

struct Families {
  explicit Families(prometheus::Registry& registry);

  CounterFamily& messages;
  CounterFamily& messages_failed;
  HistogramFamily& handler_duration;
  HistogramFamily& batch_events;
  HistogramFamily& batch_rows;
  HistogramFamily& batch_duration;
  HistogramFamily& queue_wait;
  HistogramFamily& message_age;
  HistogramFamily& attempts;
  HistogramFamily& retry_lateness;
  CounterFamily& lookups;
  GaugeFamily& retry_pending;
  GaugeFamily& retry_next_due;
  GaugeFamily& dead_letters;
  GaugeFamily& dead_letter_oldest;
  GaugeFamily& duty_success;

  GaugeFamily& lag;
  GaugeFamily& position;
  GaugeFamily& committed;
  GaugeFamily& oldest_unprocessed;
  GaugeFamily& paused;
  GaugeFamily& uncovered;
  GaugeFamily& open_events;
  GaugeFamily& held_keys;
  GaugeFamily& parked_bytes;
  CounterFamily& fenced_commits;

  CounterFamily& rebalances;
  CounterFamily& db_errors;
  GaugeFamily& db_connections;
  GaugeFamily& outbox_pending;
  GaugeFamily& outbox_oldest;
  GaugeFamily& outbox_refused;
  CounterFamily& replay_records;
  GaugeFamily& replay_jobs;
  CounterFamily& upstream_requests;
  HistogramFamily& upstream_duration;
  HistogramFamily& rate_limit_wait;
  GaugeFamily& circuit;
  GaugeFamily& collector_success;
  GaugeFamily& build_info;
};

struct LaneSeries;

// What Metrics and the lanes' handles share, so that either may die first.
struct MetricsState {
  MetricsState();
  ~MetricsState();

  std::unique_ptr<prometheus::Registry> registry;
  Families families;

  // A lane that is lost and taken again at once has two handles for a moment, on the same series:
  // the series go with the last of them.
  using LaneKey = std::tuple<std::string, std::string, std::int32_t, std::string>;
  std::mutex lanes_mutex;
  std::map<LaneKey, std::unique_ptr<LaneSeries>> lanes;
};

}  // namespace spool::observe
