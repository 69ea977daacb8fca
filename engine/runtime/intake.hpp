// One handler's consumer at work: group events become lanes, lanes become assignments, records
// become slices of lanes that have room for them. A full lane's queue is simply not polled. Loop
// thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/kafka/consumer.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/runtime/lane_board.hpp"
#include "engine/runtime/loop.hpp"

namespace spool::runtime {

struct IntakeSettings {
  std::string handler;
  std::string group;
  std::string topic;
  std::chrono::milliseconds drain_timeout{10'000};
  std::chrono::milliseconds commit_interval{1'000};
  // Lanes that are slow to be taken hold the others up for so long.
  std::chrono::milliseconds placement_patience{2'000};
  // Small enough that batches can be cut to measure, large enough to cost no lock per record.
  std::size_t slice_records_max = 1'000;
};

class Intake {
 public:
  // `on_fatal` hears that the consumer cannot go on (fenced static member...): the process must
  // end. `call` gets the calls that may be made now.
  Intake(Loop& loop, LaneBoard& board, std::unique_ptr<kafka::Consumer> consumer,
         IntakeSettings settings, observe::Metrics& metrics, observe::Logger& log,
         std::function<void(base::Failure)> on_fatal, std::function<void(delivery::ToCall)> call);

  // Serves whatever is there; called after wakes, finished jobs and timers.
  void pump();

  // No records are taken in any more; group events are still answered.
  void stop_intake() { taking_in_ = false; }
  // Tells the group our positions, leaves it; left() once that is done.
  void leave();
  bool left() const { return left_; }
  bool assigned() const { return assigned_; }

 private:
  void serve_events();
  void on_event(const kafka::Consumer::Assigned& event);
  void on_event(const kafka::Consumer::Revoked& event);
  void on_event(const kafka::Consumer::PartitionFailed& event);
  void on_event(const kafka::Consumer::HandleFailed& event);
  void on_event(const kafka::LogLine& event);
  void on_event(const kafka::Consumer::OffsetsCommitted& event);
  void on_event(const std::monostate&) {}
  void finish_revocation();
  void place();
  bool take_in();
  bool take_in_lane(std::int32_t partition);
  void commit_offsets();
  void report_lanes();

  Loop& loop_;
  LaneBoard& board_;
  std::unique_ptr<kafka::Consumer> consumer_;
  IntakeSettings settings_;
  observe::Metrics& metrics_;
  observe::Logger& log_;
  std::function<void(base::Failure)> on_fatal_;
  std::function<void(delivery::ToCall)> call_;
  bool taking_in_ = true;
  bool leaving_ = false;
  bool left_ = false;
  bool assigned_ = false;
  bool pump_posted_ = false;
  std::optional<delivery::Instant> revocation_deadline_;
  // Partitions whose queue may hold something: all after a wake, less as they are found empty.
  std::map<std::int32_t, bool> may_have_records_;
  // What the group was told last; after a refusal not again before the next turn.
  std::map<std::int32_t, std::pair<std::int64_t, std::string>> committed_;
  bool refused_ = false;
  std::map<std::int32_t, std::unique_ptr<observe::LaneMetrics>> views_;
};

}  // namespace spool::runtime
