// One lane's state machine: what its owner believes of it, and what is to be done next. Pure: no
// I/O, no thread, no clock; the simulator runs the same code. The shell guards it with a lock, asks
// for a Job, carries it out, and reports. At most one job runs at a time, and what the lane
// remembers changes only when the job's outcome is known.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/delivery/backoff.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/position.hpp"
#include "engine/delivery/time.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::delivery {

struct LaneLimits {
  std::size_t buffer_bytes = 8UL * 1024 * 1024;  // at this the partition's queue is not polled
  std::size_t batch_events_max = 10'000;         // records of one transaction
  std::size_t batch_bytes_max = 8UL * 1024 * 1024;
  std::size_t outbox_rows_max = 500;          // published at once
  std::chrono::milliseconds wait_first{100};  // backoff while something is away
  std::chrono::milliseconds wait_cap{5'000};
  std::chrono::milliseconds schema_wait_cap{30'000};
};

// Records that arrived together. `end`: the offset after them, a known gap at their tail included.
struct Slice {
  message::RecordBatch records;
  std::int64_t end = 0;
  Instant arrived{};
};

// Jobs.
struct TakeJob {};
struct ApplyJob {
  Claim claim;
  std::int64_t from = 0;
  std::vector<Slice> slices;
  std::int64_t to() const { return slices.back().end; }
};
struct ReadOutboxJob {
  std::size_t rows_max = 0;
};
struct SettleOutboxJob {
  Claim claim;
  std::vector<std::int64_t> published;
  std::vector<RefusedRow> refused;
};
struct MarkStoppedJob {
  Claim claim;
  std::string reason;
  std::string detail;
};
using Job = std::variant<TakeJob, ApplyJob, ReadOutboxJob, SettleOutboxJob, MarkStoppedJob>;

// What a job that went well has changed.
struct Taken {
  LaneState state;
  LogBounds bounds;
};
struct Committed {
  Claim claim;  // as the commit left it
  Advance advance;
  bool outbox_written = false;
};

enum class LanePhase {
  untaken,   // assigned by the group, not yet ours in the database
  unplaced,  // ours; waits to be given to the consumer with its start offset
  running,
  stopped,  // ours, but the log lost its position: waits for an operator
};

// Why a lane takes nothing in at the moment; the words of spool_consumer_paused.
enum class PauseReason { none, backpressure, database, schema, position_lost };
const char* to_string(PauseReason reason);

class Lane {
 public:
  // `generation`: where its generations begin, above all that a lane of this id had before.
  Lane(LaneId id, const LaneLimits& limits, std::uint64_t generation = 0);

  // What to do now, if anything; the lane is busy until the matching finish_*().
  std::optional<Job> next_job(Instant now);
  // When next_job() may have something though nothing else happens; empty: not by time alone.
  std::optional<Instant> wake_at() const;

  void finish_take(base::Result<Taken> outcome, Instant now);
  // The job comes back with its records: after a failure that blames nobody they are tried again.
  void finish_apply(ApplyJob job, base::Result<Committed> outcome, Instant now);
  // Answers how many rows the caller must publish and report.
  void finish_read_outbox(base::Result<std::size_t> rows_read, Instant now);
  void finish_settle_outbox(SettleOutboxJob job, base::Result<Claim> outcome, Instant now);
  void finish_mark_stopped(const base::Status& outcome, Instant now);

  // From the consumer, once the lane was placed. Records below the position are a repetition of the
  // fetch and are dropped; the first may be the probe.
  bool wants_records() const;
  void offer(message::RecordBatch records, std::optional<std::int64_t> log_end, Instant now);
  void partition_failed(const base::Failure& failure, Instant now);

  // The lane is given to the consumer: the offset from which to fetch. What is buffered already
  // stays. The first record fetched is the last one known, wherever there is one, to see that the
  // log is still the same.
  std::int64_t place();

  // Drops everything that the lane believes; a job that still runs ends without effect on the lane.
  void forget(const std::string& why);

  // What the database has, compared with what the lane believed when it was asked: an owner without
  // work notices too that it lost the lane. `asked` is the claim at the time of asking.
  void compare(const Claim& asked, const std::optional<Claim>& seen);

  // One of the rows handed out by finish_read_outbox was acknowledged, refused or not taken.
  // `generation` is the lane's when it was handed out: answers to an earlier life of the lane are
  // ignored.
  void published(std::uint64_t generation, std::int64_t number, const base::Status& outcome,
                 Instant now);

  const LaneId& id() const { return id_; }
  LanePhase phase() const { return phase_; }
  bool busy() const { return busy_; }
  std::uint64_t generation() const { return generation_; }
  const Claim& claim() const { return claim_; }
  std::int64_t epoch() const { return epoch_; }
  std::int64_t next() const { return next_; }
  std::int64_t start() const { return start_; }
  const Counters& counters() const { return counters_; }
  PauseReason pause_reason() const;
  const std::string& stop_detail() const { return stop_detail_; }
  std::size_t buffered_records() const { return buffered_records_; }
  std::size_t outbox_in_flight() const { return outbox_in_flight_; }
  bool outbox_quiet() const;
  // Timestamp of the oldest record that waits in memory; -1: none.
  std::int64_t oldest_waiting_timestamp_ms() const;
  // Why the lane was forgotten last, for the log; empty: never.
  const std::string& forgotten_because() const { return forgotten_because_; }

 private:
  bool end_job();
  void failed(const base::Failure& failure, Instant now);
  void succeeded();
  void stop(const std::string& detail);
  void push(message::RecordBatch records, std::int64_t end, Instant now);
  ApplyJob take_apply_job();
  bool probe_fails(const message::RecordBatch& records);

  LaneId id_;
  LaneLimits limits_;
  LanePhase phase_ = LanePhase::untaken;
  bool busy_ = false;
  std::uint64_t generation_;          // one more each time the lane is forgotten
  std::uint64_t job_generation_ = 0;  // of the job that runs

  // What the database had when a commit of ours was last known.
  Claim claim_;
  std::int64_t epoch_ = 0;
  std::int64_t start_ = 0;
  std::int64_t next_ = 0;
  Counters counters_;

  // What was fetched.
  std::int64_t fetch_from_ = 0;
  std::optional<std::int64_t> probe_timestamp_ms_;
  bool compacted_ = false;
  std::int64_t newest_offset_ = -1;  // the last record fetched since the lane was taken
  std::int64_t newest_timestamp_ms_ = -1;
  std::int64_t fetched_to_ = 0;  // offset after the newest record or gap seen
  std::deque<Slice> slices_;
  std::size_t buffered_bytes_ = 0;
  std::size_t buffered_records_ = 0;

  // Waiting.
  Backoff backoff_;
  Backoff schema_backoff_;
  Backoff retake_backoff_;  // after a fence; only a commit of ours ends it
  Instant not_before_{};
  PauseReason waiting_for_ = PauseReason::none;
  int slow_streak_ = 0;
  int shrink_ = 0;  // how often the limit of a batch is halved

  // Outbox.
  bool outbox_waiting_ = false;
  Instant outbox_not_before_{};
  Backoff outbox_backoff_;
  std::size_t outbox_in_flight_ = 0;
  std::vector<std::int64_t> published_;
  std::vector<RefusedRow> refused_;

  std::string stop_detail_;
  bool stop_marked_ = false;
  std::string forgotten_because_;
};

}  // namespace spool::delivery
