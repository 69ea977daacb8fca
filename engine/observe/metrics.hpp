// All metrics of the process and their exposition. One per process, made at start and passed by
// reference; any thread. Nothing here waits for Kafka or PostgreSQL: what they know is put in by
// whoever asked them, in the background.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/observe/handler_metrics.hpp"
#include "engine/observe/lane_metrics.hpp"
#include "engine/observe/log_level.hpp"

namespace spool::observe {

struct BuildInfo {
  std::string version;
  std::string revision;
  std::string librdkafka;  // of the library that is loaded
  std::string libpqxx;
};

enum class RebalanceEvent { assign, revoke, lost };

struct PoolConnections {
  std::int64_t idle = 0;
  std::int64_t busy = 0;
  std::int64_t down = 0;  // waiting to be connected again
};

enum class ReplayResult { published, skipped, failed };

// What the audit found for one lane.
struct LaneAudit {
  std::string handler;
  std::int32_t partition = 0;
  std::int64_t uncovered = 0;  // offsets that the tables do not account for
};

class Metrics {
 public:
  // `log_counts` outlives the metrics.
  Metrics(const BuildInfo& build, const LogCounts& log_counts);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The same object for the same handler and topic, valid as long as the Metrics. Look it up once.
  HandlerMetrics& handler(const std::string& name, const std::string& topic);
  // The lane's series exist until the handle dies; it may outlive the Metrics.
  std::unique_ptr<LaneMetrics> lane(const LaneLabels& labels);

  void count_rebalance(const std::string& group, RebalanceEvent event);
  // The five characters that PostgreSQL gave, or empty if the connection broke without any.
  void count_db_error(std::string_view sqlstate);
  void set_db_connections(const PoolConnections& connections);
  void set_outbox_pending(std::int64_t events);
  // When the oldest of them was written; empty: none waits.
  void set_outbox_oldest(std::optional<base::EpochMicros> written);
  void set_outbox_refused(std::int64_t events);

  // A call to a service ended. `operation` and `status` are words of closed lists: never a path.
  void upstream_request(const std::string& upstream, const std::string& operation,
                        const std::string& status, double seconds);
  // A call had its permit under our own limit after so long; 0: at once.
  void upstream_waited(const std::string& upstream, double seconds);
  // `state` is closed, open or half_open.
  void set_circuit(const std::string& upstream, std::string_view state);
  // All replays; states that are not named have none any more.
  void set_replay_jobs(const std::map<std::string, std::int64_t>& count_by_state);
  void count_replayed(ReplayResult result, std::int64_t count);

  // Every lane that the background audit vouches for at present; the others leave the exposition,
  // so that a lane that has gone elsewhere does not keep what was found here.
  void set_ledger_uncovered(const std::vector<LaneAudit>& lanes);
  // The last run of a handler's duty that went well, by whichever worker.
  void set_duty_success(const std::string& handler, const std::string& duty,
                        base::EpochMicros done);
  // The background collector has read everything that it is to read.
  void set_collector_success(base::EpochMicros now);

  // Prometheus text format 0.0.4, families in alphabetical order.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The content type of expose().
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace spool::observe
