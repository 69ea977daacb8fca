#include "engine/observe/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/observe/families.hpp"
#include "engine/observe/gauges.hpp"
#include "engine/observe/process_stats.hpp"
#include "engine/observe/tally.hpp"

namespace spool::observe {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

const char* to_string(RebalanceEvent event) {
  switch (event) {
    case RebalanceEvent::assign:
      return "assign";
    case RebalanceEvent::revoke:
      return "revoke";
    case RebalanceEvent::lost:
      return "lost";
  }
  return "lost";
}

constexpr std::array<const char*, 3> kReplayWords = {"published", "skipped", "failed"};
const prometheus::Histogram::BucketBoundaries kDurationBuckets(kDurationBounds.begin(),
                                                               kDurationBounds.end());
constexpr std::array<std::string_view, 3> kCircuitWords = {"closed", "open", "half_open"};

// The first two characters name the class (23 integrity, 40 rollback, 57 operator intervention
// ...).
std::string sqlstate_class(std::string_view sqlstate) {
  const bool well_formed =
      sqlstate.size() == 5 && std::all_of(sqlstate.begin(), sqlstate.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
      });
  return well_formed ? std::string(sqlstate.substr(0, 2)) : "none";
}

MetricFamily single(const MetricName& metric, MetricType type, double value) {
  ClientMetric sample;
  (type == MetricType::Counter ? sample.counter.value : sample.gauge.value) = value;
  return {metric.name, metric.help, type, {std::move(sample)}};
}

MetricFamily log_lines(const LogCounts& counts) {
  MetricFamily family{
      metric::kLogMessages.name, metric::kLogMessages.help, MetricType::Counter, {}};
  for (const Level level : kLevels) {
    ClientMetric sample;
    sample.label = {{"level", to_string(level)}};
    sample.counter.value = static_cast<double>(counts.get(level));
    family.metric.push_back(std::move(sample));
  }
  return family;
}

void add_process(std::vector<MetricFamily>& families, const ProcessStats& stats) {
  families.push_back(single(metric::kProcessCpu, MetricType::Counter, stats.cpu_seconds));
  families.push_back(single(metric::kProcessMemory, MetricType::Gauge, stats.resident_bytes));
  families.push_back(single(metric::kProcessFds, MetricType::Gauge, stats.open_fds));
  families.push_back(single(metric::kProcessStart, MetricType::Gauge, stats.start_time_seconds));
}

}  // namespace

struct Metrics::Impl {
  explicit Impl(const LogCounts& counts) : log_counts(counts) {}

  const LogCounts& log_counts;
  std::shared_ptr<MetricsState> state = std::make_shared<MetricsState>();
  std::mutex mutex;  // guards what follows
  OptionalGauge outbox_oldest{state->families.outbox_oldest, {}};
  GaugeSet replay_jobs{state->families.replay_jobs};
  GaugeSet audited{state->families.uncovered};
  std::map<std::pair<std::string, std::string>, std::unique_ptr<HandlerMetrics>> handlers;
};

Metrics::Metrics(const BuildInfo& build, const LogCounts& log_counts)
    : impl_(std::make_unique<Impl>(log_counts)) {
  impl_->state->families.build_info
      .Add({{"version", build.version},
            {"revision", build.revision},
            {"librdkafka", build.librdkafka},
            {"libpqxx", build.libpqxx}})
      .Set(1);
  for (const char* word : kReplayWords) {
    impl_->state->families.replay_records.Add({{"result", word}});
  }
}

Metrics::~Metrics() = default;

HandlerMetrics& Metrics::handler(const std::string& name, const std::string& topic) {
  const std::lock_guard lock(impl_->mutex);
  auto& slot = impl_->handlers[{name, topic}];
  if (!slot) slot = std::make_unique<HandlerMetrics>(impl_->state->families, name, topic);
  return *slot;
}

std::unique_ptr<LaneMetrics> Metrics::lane(const LaneLabels& labels) {
  return std::make_unique<LaneMetrics>(impl_->state, labels);
}

void Metrics::count_rebalance(const std::string& group, RebalanceEvent event) {
  impl_->state->families.rebalances.Add({{"group", group}, {"event", to_string(event)}})
      .Increment();
}

void Metrics::count_db_error(std::string_view sqlstate) {
  impl_->state->families.db_errors.Add({{"sqlstate_class", sqlstate_class(sqlstate)}}).Increment();
}

void Metrics::set_db_connections(const PoolConnections& connections) {
  const auto set = [&](const char* state, std::int64_t count) {
    impl_->state->families.db_connections.Add({{"state", state}}).Set(static_cast<double>(count));
  };
  set("idle", connections.idle);
  set("busy", connections.busy);
  set("down", connections.down);
}

void Metrics::set_outbox_pending(std::int64_t events) {
  impl_->state->families.outbox_pending.Add({}).Set(static_cast<double>(events));
}

void Metrics::set_outbox_oldest(std::optional<base::EpochMicros> written) {
  const std::lock_guard lock(impl_->mutex);
  impl_->outbox_oldest.set(unix_seconds(written));
}

void Metrics::set_outbox_refused(std::int64_t events) {
  impl_->state->families.outbox_refused.Add({}).Set(static_cast<double>(events));
}

void Metrics::upstream_request(const std::string& upstream, const std::string& operation,
                               const std::string& status, double seconds) {
  Families& families = impl_->state->families;
  families.upstream_requests
      .Add({{"upstream", upstream}, {"operation", operation}, {"status", status}})
      .Increment();
  families.upstream_duration
      .Add({{"upstream", upstream}, {"operation", operation}}, kDurationBuckets)
      .Observe(seconds);
}

void Metrics::upstream_waited(const std::string& upstream, double seconds) {
  impl_->state->families.rate_limit_wait.Add({{"upstream", upstream}}, kDurationBuckets)
      .Observe(seconds);
}

void Metrics::set_circuit(const std::string& upstream, std::string_view state) {
  SPOOL_ASSERT(std::count(kCircuitWords.begin(), kCircuitWords.end(), state) == 1,
               "the states of a circuit are a closed set");
  for (const std::string_view word : kCircuitWords) {
    impl_->state->families.circuit.Add({{"upstream", upstream}, {"state", std::string(word)}})
        .Set(word == state ? 1 : 0);
  }
}

void Metrics::set_replay_jobs(const std::map<std::string, std::int64_t>& count_by_state) {
  std::map<Labels, double> jobs;
  for (const auto& [state, count] : count_by_state) {
    jobs[{{"state", state}}] = static_cast<double>(count);
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->replay_jobs.replace(jobs);
}

void Metrics::count_replayed(ReplayResult result, std::int64_t count) {
  impl_->state->families.replay_records
      .Add({{"result", kReplayWords[static_cast<std::size_t>(result)]}})
      .Increment(static_cast<double>(count));
}

void Metrics::set_ledger_uncovered(const std::vector<LaneAudit>& lanes) {
  std::map<Labels, double> uncovered;
  for (const LaneAudit& lane : lanes) {
    uncovered[{{"handler", lane.handler},
               {"partition", std::to_string(lane.partition)},
               {"check", "tables"}}] = static_cast<double>(lane.uncovered);
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->audited.replace(uncovered);
}

void Metrics::set_duty_success(const std::string& handler, const std::string& duty,
                               base::EpochMicros done) {
  impl_->state->families.duty_success.Add({{"handler", handler}, {"duty", duty}})
      .Set(*unix_seconds(done));
}

void Metrics::set_collector_success(base::EpochMicros now) {
  impl_->state->families.collector_success.Add({}).Set(*unix_seconds(now));
}

std::string Metrics::expose() const {
  std::vector<MetricFamily> families = impl_->state->registry->Collect();
  families.push_back(log_lines(impl_->log_counts));
  if (const auto stats = read_process_stats()) add_process(families, *stats);
  std::sort(families.begin(), families.end(),
            [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace spool::observe
