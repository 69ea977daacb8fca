// One lane's state machine: what its owner believes of it, and what is to be done next. Pure: no
// I/O, no thread, no clock; the simulator runs the same code. The shell guards it with a lock, asks
// for a Job, carries it out, and reports. At most one job runs at a time, and what the lane
// remembers changes only when the job's outcome is known.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/backoff.hpp"
#include "engine/delivery/feed.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/lane_calls.hpp"
#include "engine/delivery/lane_outbox.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/time.hpp"
#include "engine/delivery/valve.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::delivery {

struct LaneLimits {
  std::size_t buffer_bytes = 8UL * 1024 * 1024;  // at this the partition's queue is not polled
  std::size_t batch_events_max = 10'000;         // records of one transaction
  std::size_t batch_bytes_max = 8UL * 1024 * 1024;
  std::size_t outbox_rows_max = 500;           // published at once
  std::chrono::milliseconds outbox_every{20};  // fewer rows wait for others so long
  std::chrono::milliseconds wait_first{100};   // backoff while something is away
  std::chrono::milliseconds wait_cap{5'000};
  std::chrono::milliseconds schema_wait_cap{30'000};
  // Open events that a lane holds. Beyond, nothing more is taken from the log until some finish.
  std::int64_t open_events_max = 100'000;
  std::int64_t open_bytes_max = 256L * 1024 * 1024;
  std::int64_t key_events_max = 20'000;  // of one key
  // One transaction drains so much.
  std::size_t drain_events_max = 1'000;
  std::size_t drain_bytes_max = 4UL * 1024 * 1024;
  // Heads that come due soon after a drain go together, and so do records that come soon after a
  // batch whose commit had to be durable.
  std::chrono::milliseconds gather{10};
  std::size_t command_page_max = 500;
  // Of a handler that performs: heads are called, so many of a Kafka key at once.
  bool performs = false;
  std::size_t calls_of_group_max = 4;
  std::chrono::milliseconds companions_every{1'000};  // positions are remembered
  ValveSettings valve = {};
};

enum class LanePhase {
  untaken,   // assigned by the group, not yet ours in the database
  unplaced,  // ours; waits to be given to the consumer with its start offset
  running,
  stopped,  // ours, but the log lost its position: waits for an operator
};

// Why a lane takes nothing in at the moment; the words of spool_consumer_paused.
enum class PauseReason {
  none,
  backpressure,
  database,
  schema,
  position_lost,
  circuit,
  dead_letters,
  operator_
};
const char* to_string(PauseReason reason);

// What others than the lane itself have to say about its running events.
struct Gate {
  bool shut = false;          // a service that its handler needs is away
  bool probe = false;         // ... and may be back: one event shall find out
  bool occupied = false;      // suspects run alone in the process: not now
  std::uint64_t commits = 0;  // of all lanes together, so far
  std::size_t calls = 0;      // how many may be begun, where the handler performs
  bool paused = false;        // by an operator
};

class Lane {
 public:
  // `generation`: where its generations begin, above all that a lane of this id had before.
  Lane(LaneId id, const LaneLimits& limits, std::uint64_t generation = 0);

  // What to do now, if anything; the lane is busy until the matching finish().
  std::optional<Job> next_job(const Moment& now, const Gate& gate);
  // The same for a lane that goes to somebody else: to settle what it has called, and to let go of
  // it, once.
  std::optional<Job> last_job(const Moment& now);
  bool let_go() const { return let_go_; }
  // When next_job() may have something though nothing else happens; empty: not by time alone.
  std::optional<Instant> wake_at(const Moment& now) const;

  void finish_take(base::Result<Taken> outcome, Instant now);
  // The job comes back with its records: what it did not get to, and after a failure that blames
  // nobody all of them, is tried again.
  void finish_apply(ApplyJob job, const base::Result<Committed>& outcome, Instant now);
  void finish_drain(const base::Result<Committed>& outcome, Instant now);  // of a drain
  void finish_calls(CallsJob job, const base::Result<Committed>& outcome, Instant now);
  void finish_awaken(base::Result<Committed> outcome, Instant now);
  void finish_companions(CompanionsJob job, base::Result<Committed> outcome, Instant now);
  void finish_command(const CommandJob& job, base::Result<Committed> outcome, Instant now);
  // Answers how many rows the caller must publish and report.
  void finish_read_outbox(base::Result<std::size_t> rows_read, Instant now);
  void finish_settle_outbox(SettleOutboxJob job, base::Result<Claim> outcome, Instant now);
  void finish_mark_stopped(const base::Status& outcome, Instant now);
  void finish_let_go();

  // A call that was begun has ended; the next job settles it.
  void call_ended(CallEnd end);
  std::size_t calls_unsettled() const { return calls_.unsettled(); }

  // From the consumer, once the lane was placed.
  bool wants_records() const;
  void offer(message::RecordBatch records, std::optional<std::int64_t> log_end, Instant now);
  void partition_failed(const base::Failure& failure, Instant now);
  // The lane is given to the consumer: the offset from which to fetch.
  std::int64_t place();

  // From the retry topics: read up to here; and records in there that ask for a replay.
  void companion_read(const std::string& topic, std::int64_t next,
                      std::vector<ReplayRequest> requests);
  // Where each of them goes on, as the database remembers.
  const std::map<std::string, std::int64_t>& companions() const { return companions_; }

  void database_is_back();

  // What operators ask of it now; those that are not listed any more are over.
  void set_commands(std::vector<Command> commands);

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
  // The last transaction that has marked a call, or else the taking: what the database must not
  // forget without anybody noticing.
  const LaneMark& mark() const { return mark_; }
  std::int64_t epoch() const { return epoch_; }
  std::int64_t next() const { return next_; }
  std::int64_t start() const { return start_; }
  const Counters& counters() const { return counters_; }
  PauseReason pause_reason() const;
  const std::string& stop_detail() const { return stop_detail_; }
  std::size_t buffered_records() const { return feed_.records(); }
  std::size_t outbox_in_flight() const { return outbox_.in_flight(); }
  bool outbox_quiet() const { return outbox_.quiet(); }
  // What is buffered cannot go on whoever waits for it: not by the lane's own doing.
  bool held_up() const { return held_up_ || no_room_ || valve_.wake_at().has_value(); }
  std::size_t held_keys() const { return held_->size(); }
  std::int64_t open_bytes() const { return open_bytes_; }
  // It would run suspects, if it ran anything now.
  bool runs_suspects(const Moment& now) const;
  // Its row may show a mark that is over: it must be taken again before anything else may end the
  // process.
  bool mark_in_doubt() const { return mark_in_doubt_; }
  std::size_t commands_waiting() const { return commands_.size(); }
  // Heads that are due by now and still wait: 0 once the lane has come to rest.
  bool heads_due(base::EpochMicros now) const;
  // Timestamp of the oldest record that waits in memory; -1: none.
  std::int64_t oldest_waiting_timestamp_ms() const { return feed_.oldest_timestamp_ms(); }
  // Why the lane was forgotten last, for the log; empty: never.
  const std::string& forgotten_because() const { return forgotten_because_; }

 private:
  // Of runs that were too slow, by origin: what goes well in the log says nothing of the open ones.
  struct Slowness {
    int streak = 0;
    std::uint64_t commits_before = 0;
    int alone = 0;          // how often a single event was
    std::size_t limit = 0;  // of the events of a batch; 0: none
  };

  std::optional<Job> choose(const Moment& now, const Gate& gate);
  std::optional<Job> choose_events(const Moment& now, const Gate& gate);
  std::optional<Job> choose_performing(const Moment& now, const Gate& gate);
  std::optional<Job> calls_job(Instant at, base::EpochMicros database, std::size_t calls_max);
  Job command_job(const Command& command, Instant now);
  const Command* next_command() const;
  bool may_apply() const;
  Job drain_job(const Moment& now, std::size_t events_max, const Gate& gate);
  Job apply_job(const Moment& now, std::size_t events_max, const Gate& gate);
  Footing footing(Instant now, std::size_t events_max) const;
  bool blame_slow(const Slowness& slowness, std::size_t events_max, const Gate& gate) const;
  std::size_t run_together(Origin origin) const;
  bool end_job();
  void take_in(const Committed& committed);
  void ran(const base::Result<Committed>& outcome, Slowness& slowness, Instant now);
  void failed(const base::Failure& failure, Instant now);
  void succeeded();
  void stop(const std::string& detail);

  LaneId id_;
  LaneLimits limits_;
  LanePhase phase_ = LanePhase::untaken;
  bool busy_ = false;
  bool let_go_ = false;
  std::uint64_t generation_;          // one more each time the lane is forgotten
  std::uint64_t job_generation_ = 0;  // of the job that runs

  // What the database had when a commit of ours was last known.
  Claim claim_;
  std::int64_t epoch_ = 0;
  std::int64_t start_ = 0;
  std::int64_t next_ = 0;
  Counters counters_;
  std::shared_ptr<HeldKeys> held_;  // shared with the job that runs, which only reads
  std::int64_t open_bytes_ = 0;
  std::int64_t next_number_ = 1;
  std::optional<base::EpochMicros> next_scheduled_;
  Suspicion suspicion_;
  bool mark_in_doubt_ = false;
  std::map<std::string, std::int64_t> companions_;
  std::int64_t doubt_below_ = 0;
  base::EpochMicros doubt_until_ = 0;
  LaneMark mark_;

  Feed feed_;
  LaneOutbox outbox_;
  LaneCalls calls_;
  Valve valve_;
  bool no_room_ = false;  // the next event of the log waits until something held has finished
  bool drained_last_ = false;
  std::uint64_t heads_given_ = 0;  // to be called; see HeldKeys::due
  bool commanded_last_ = false;
  // By its gate, when it was last asked.
  bool held_up_ = false;
  bool paused_ = false;

  std::map<std::string, std::int64_t> companions_read_;
  std::vector<ReplayRequest> requests_;
  Instant companions_not_before_{};
  std::vector<Command> commands_;
  Instant command_not_before_{};

  // Waiting.
  Backoff backoff_;
  Backoff schema_backoff_;
  Backoff retake_backoff_;  // after a fence; only a commit of ours ends it
  Instant not_before_{};
  Instant apply_not_before_{}, drain_not_before_{};
  PauseReason waiting_for_ = PauseReason::none;
  Slowness slow_log_;
  Slowness slow_open_;
  std::uint64_t commits_seen_ = 0;
  std::size_t job_events_ = 0;  // of the job that runs, about

  std::string stop_detail_;
  bool stop_marked_ = false;
  bool foreign_ = false;  // the row counts another log: not ours to write
  std::string forgotten_because_;
};

}  // namespace spool::delivery
