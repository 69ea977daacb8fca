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
      attempts(histogram(registry, metric::kAttempts)),
      retry_lateness(histogram(registry, metric::kRetryLateness)),
      // handler, result
      lookups(counter(registry, metric::kLookups)),
      // handler, tier
      retry_pending(gauge(registry, metric::kRetryPending)),
      retry_next_due(gauge(registry, metric::kRetryNextDue)),
      // handler, error_type
      dead_letters(gauge(registry, metric::kDeadLetters)),
      // handler
      dead_letter_oldest(gauge(registry, metric::kDeadLetterOldest)),
      // handler, duty
      duty_success(gauge(registry, metric::kDutySuccess)),
      // group, topic, partition
      lag(gauge(registry, metric::kLag)),
      position(gauge(registry, metric::kPosition)),
      committed(gauge(registry, metric::kCommitted)),
      oldest_unprocessed(gauge(registry, metric::kOldestUnprocessed)),
      // group, topic, partition, reason
      paused(gauge(registry, metric::kPaused)),
      // handler, partition, check
      uncovered(gauge(registry, metric::kUncovered)),
      // handler, partition
      open_events(gauge(registry, metric::kOpenEvents)),
      held_keys(gauge(registry, metric::kHeldKeys)),
      parked_bytes(gauge(registry, metric::kParkedBytes)),
      fenced_commits(counter(registry, metric::kFencedCommits)),
      // group, event
      rebalances(counter(registry, metric::kRebalances)),
      // sqlstate_class
      db_errors(counter(registry, metric::kDbErrors)),
      // state
      db_connections(gauge(registry, metric::kDbConnections)),
      // none
      outbox_pending(gauge(registry, metric::kOutboxPending)),
      outbox_oldest(gauge(registry, metric::kOutboxOldest)),
      outbox_refused(gauge(registry, metric::kOutboxRefused)),
      // result
      replay_records(counter(registry, metric::kReplayRecords)),
      // state
      replay_jobs(gauge(registry, metric::kReplayJobs)),
      // upstream, operation, status
      upstream_requests(counter(registry, metric::kUpstreamRequests)),
      // upstream, operation
      upstream_duration(histogram(registry, metric::kUpstreamDuration)),
      // upstream
      rate_limit_wait(histogram(registry, metric::kRateLimitWait)),
      // upstream, state
      circuit(gauge(registry, metric::kCircuit)),
      // none
      collector_success(gauge(registry, metric::kCollectorSuccess)),
      // version, revision, librdkafka, libpqxx
      build_info(gauge(registry, metric::kBuildInfo)) {}

MetricsState::MetricsState()
    : registry(std::make_unique<prometheus::Registry>()), families(*registry) {}

MetricsState::~MetricsState() = default;

}  // namespace spool::observe
