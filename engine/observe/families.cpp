#include "engine/observe/families.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "engine/observe/lane_series.hpp"

namespace spool::observe {
namespace {

CounterFamily& counter(prometheus::Registry& registry, const MetricName& metric) {
  return prometheus::BuildCounter().Name(metric.name).Help(metric.help).Register(registry);
}

GaugeFamily& gauge(prometheus::Registry& registry, const MetricName& metric) {
  return prometheus::BuildGauge().Name(metric.name).Help(metric.help).Register(registry);
}

HistogramFamily& histogram(prometheus::Registry& registry, const MetricName& metric) {
  return prometheus::BuildHistogram().Name(metric.name).Help(metric.help).Register(registry);
}

}  // namespace

Families::Families(prometheus::Registry& registry)
    // handler, topic, outcome
    : messages(counter(registry, metric::kMessages)),
      // handler, error_type, kind
      messages_failed(counter(registry, metric::kMessagesFailed)),
      // handler, outcome
      handler_duration(histogram(registry, metric::kHandlerDuration)),
      // handler
      batch_events(histogram(registry, metric::kBatchEvents)),
      batch_rows(histogram(registry, metric::kBatchRows)),
      batch_duration(histogram(registry, metric::kBatchDuration)),
      queue_wait(histogram(registry, metric::kQueueWait)),
      message_age(histogram(registry, metric::kMessageAge)),
      // handler, error_type
      dead_letters(gauge(registry, metric::kDeadLetters)),
      // group, topic, partition
      lag(gauge(registry, metric::kLag)),
      position(gauge(registry, metric::kPosition)),
      committed(gauge(registry, metric::kCommitted)),
      oldest_unprocessed(gauge(registry, metric::kOldestUnprocessed)),
      // group, topic, partition, reason
      paused(gauge(registry, metric::kPaused)),
      // handler, partition
      uncovered(gauge(registry, metric::kUncovered)),
      fenced_commits(counter(registry, metric::kFencedCommits)),
      // group, event
      rebalances(counter(registry, metric::kRebalances)),
      // sqlstate_class
      db_errors(counter(registry, metric::kDbErrors)),
      // state
      db_connections(gauge(registry, metric::kDbConnections)),
      // none
      outbox_pending(gauge(registry, metric::kOutboxPending)),
      // version, revision, librdkafka, libpqxx
      build_info(gauge(registry, metric::kBuildInfo)) {}

MetricsState::MetricsState()
    : registry(std::make_unique<prometheus::Registry>()), families(*registry) {}

MetricsState::~MetricsState() = default;

}  // namespace spool::observe
