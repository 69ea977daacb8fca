// The metrics of one lane while this worker owns it. Made by Metrics::lane() when the lane is
// taken; when the handle dies the lane's gauges leave the exposition, so that a partition is never
// reported by two workers for longer than it is held by two. The count of fenced commits stays: a
// lane is fenced just before it goes. Any thread; once a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/time.hpp"

namespace spool::observe {

struct LaneSeries;
struct MetricsState;

struct LaneLabels {
  std::string group;
  std::string topic;
  std::int32_t partition = 0;
  std::string handler;
};

enum class PauseReason {
  operator_,
  backpressure,
  circuit,
  database,
  schema,
  position_lost,
  dead_letters
};

struct LaneProgress {
  std::int64_t position = 0;                            // next offset to apply
  std::optional<std::int64_t> committed;                // as Kafka was last told
  std::optional<std::int64_t> lag;                      // end of the partition minus position
  std::optional<base::EpochMicros> oldest_unprocessed;  // time of the record at `position`
};

// What waits in the database instead of being applied.
struct LaneHeld {
  std::int64_t open_events = 0;
  std::int64_t held_keys = 0;
  std::int64_t parked_bytes = 0;
};

class LaneMetrics {
 public:
  LaneMetrics(std::shared_ptr<MetricsState> state, const LaneLabels& labels);
  ~LaneMetrics();
  LaneMetrics(const LaneMetrics&) = delete;
  LaneMetrics& operator=(const LaneMetrics&) = delete;

  // What is empty is unknown and has no series.
  void set_progress(const LaneProgress& progress);
  // The reasons are independent: a lane may stand still for two of them.
  void set_paused(PauseReason reason, bool paused);
  void set_held(const LaneHeld& held);
  // By the lane's own counters; what the audit finds in the tables is
  // Metrics::set_ledger_uncovered().
  void set_uncovered(std::int64_t offsets);
  void count_fenced_commit();

 private:
  std::shared_ptr<MetricsState> state_;
  LaneSeries& series_;
};

}  // namespace spool::observe
