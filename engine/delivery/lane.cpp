#include "engine/delivery/lane.hpp"

#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {

using base::Failure;
using base::FailureKind;

namespace {

constexpr int kSlowInARowMax = 3;
constexpr int kShrinkMax = 10;  // by halves: of 10,000 events about 10 are left

}  // namespace

const char* to_string(PauseReason reason) {
  switch (reason) {
    case PauseReason::none:
      return "none";
    case PauseReason::backpressure:
      return "backpressure";
    case PauseReason::database:
      return "database";
    case PauseReason::schema:
      return "schema";
    case PauseReason::position_lost:
      return "position_lost";
  }
  return "unknown";
}

Lane::Lane(LaneId id, const LaneLimits& limits, std::uint64_t generation)
    : id_(std::move(id)),
      limits_(limits),
      generation_(generation),
      backoff_(limits.wait_first, limits.wait_cap),
      schema_backoff_(limits.wait_first, limits.schema_wait_cap),
      retake_backoff_(limits.wait_first, limits.wait_cap),
      outbox_backoff_(limits.wait_first, limits.wait_cap) {}

std::optional<Job> Lane::next_job(Instant now) {
  if (busy_ || now < not_before_) return std::nullopt;
  std::optional<Job> job;
  if (phase_ == LanePhase::untaken) {
    job = TakeJob{};
  } else if (phase_ == LanePhase::stopped && !stop_marked_) {
    job = MarkStoppedJob{claim_, to_string(PauseReason::position_lost), stop_detail_};
  } else if (outbox_in_flight_ == 0 && !(published_.empty() && refused_.empty())) {
    job = SettleOutboxJob{claim_, std::exchange(published_, {}), std::exchange(refused_, {})};
  } else if (outbox_waiting_ && outbox_in_flight_ == 0 && now >= outbox_not_before_) {
    job = ReadOutboxJob{limits_.outbox_rows_max};
  } else if (phase_ == LanePhase::running && !slices_.empty()) {
    job = take_apply_job();
  }
  busy_ = job.has_value();
  job_generation_ = generation_;
  return job;
}

bool Lane::end_job() {
  SPOOL_ASSERT(busy_, "the end of a job that was not begun");
  busy_ = false;
  return job_generation_ == generation_;
}

std::optional<Instant> Lane::wake_at() const {
  if (busy_) return std::nullopt;
  const bool has_work = phase_ == LanePhase::untaken || !slices_.empty() || !published_.empty() ||
                        !refused_.empty() || (phase_ == LanePhase::stopped && !stop_marked_);
  if (has_work && not_before_ != Instant{}) return not_before_;
  if (outbox_waiting_ && outbox_in_flight_ == 0) return std::max(not_before_, outbox_not_before_);
  return std::nullopt;
}

ApplyJob Lane::take_apply_job() {
  ApplyJob job{claim_, next_, {}};
  std::size_t records = 0;
  std::size_t bytes = 0;
  while (!slices_.empty()) {
    const Slice& slice = slices_.front();
    const bool full = records + slice.records.size() > (limits_.batch_events_max >> shrink_) ||
                      bytes + slice.records.bytes() > limits_.batch_bytes_max;
    if (full && !job.slices.empty()) break;
    records += slice.records.size();
    bytes += slice.records.bytes();
    job.slices.push_back(std::move(slices_.front()));
    slices_.pop_front();
  }
  buffered_records_ -= records;
  buffered_bytes_ -= bytes;
  return job;
}

void Lane::finish_take(base::Result<Taken> outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome && outcome.failure().kind == FailureKind::position) {
    stop(outcome.failure().text);
    stop_marked_ = true;  // the row is not ours to write, nor the outbox to read
    outbox_waiting_ = false;
    return;
  }
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  const LaneState& state = outcome->state;
  claim_ = state.claim;
  epoch_ = state.epoch;
  start_ = state.start;
  next_ = state.next;
  counters_ = state.counters;
  outbox_waiting_ = state.outbox_pending;
  SPOOL_ASSERT(next_ - start_ == counters_.sum(), "the lane's row breaks conservation");
  if (const auto why = position_lost(state, outcome->bounds)) return stop(*why);
  const FetchPlan plan = plan_fetch(state, outcome->bounds);
  fetch_from_ = plan.from;
  probe_timestamp_ms_ = plan.probe_timestamp_ms;
  compacted_ = outcome->bounds.compacted;
  fetched_to_ = next_;
  phase_ = LanePhase::unplaced;
}

void Lane::finish_apply(ApplyJob job, base::Result<Committed> outcome, Instant now) {
  if (!end_job()) return;
  if (outcome) {
    const Advance& step = outcome->advance;
    SPOOL_ASSERT(step.from == next_ && step.to == job.to(), "a commit of another position");
    SPOOL_ASSERT(step.delta.sum() == step.to - step.from, "a commit that loses count");
    succeeded();
    retake_backoff_.succeeded();
    slow_streak_ = 0;
    shrink_ = shrink_ > 0 ? shrink_ - 1 : 0;
    claim_ = outcome->claim;
    next_ = step.to;
    counters_.applied += step.delta.applied;
    counters_.duplicate += step.delta.duplicate;
    counters_.dead += step.delta.dead;
    counters_.open += step.delta.open;
    counters_.gaps += step.delta.gaps;
    counters_.lost += step.delta.lost;
    outbox_waiting_ |= outcome->outbox_written;
    return;
  }
  // A batch that is too slow again and again will not become faster as it is: from the third time
  // on it is halved.
  const bool slow = outcome.failure().kind == FailureKind::slow;
  slow_streak_ = slow ? slow_streak_ + 1 : 0;
  if (slow_streak_ >= kSlowInARowMax && shrink_ < kShrinkMax) ++shrink_;
  for (auto slice = job.slices.rbegin(); slice != job.slices.rend(); ++slice) {
    buffered_records_ += slice->records.size();
    buffered_bytes_ += slice->records.bytes();
    slices_.push_front(std::move(*slice));
  }
  failed(outcome.failure(), now);
}

void Lane::finish_read_outbox(base::Result<std::size_t> rows_read, Instant now) {
  if (!end_job()) return;
  if (!rows_read) return failed(rows_read.failure(), now);
  succeeded();
  outbox_in_flight_ = *rows_read;
  // A full page: there may be more, looked for once this one is settled.
  outbox_waiting_ = *rows_read == limits_.outbox_rows_max;
}

void Lane::finish_settle_outbox(SettleOutboxJob job, base::Result<Claim> outcome, Instant now) {
  if (!end_job()) return;
  if (outcome) {
    succeeded();
    claim_ = *outcome;
    return;
  }
  published_ = std::move(job.published);
  refused_ = std::move(job.refused);
  failed(outcome.failure(), now);
}

void Lane::finish_mark_stopped(const base::Status& outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  ++claim_.seq;
  stop_marked_ = true;
}

bool Lane::wants_records() const {
  return phase_ == LanePhase::running && buffered_bytes_ < limits_.buffer_bytes;
}

bool Lane::probe_fails(const message::RecordBatch& records) {
  if (!probe_timestamp_ms_) return false;
  std::size_t at = 0;
  while (at < records.size() && records.offset(at) < fetch_from_) ++at;  // fetched twice
  if (at == records.size()) return false;                                // still to come
  const auto expected = std::exchange(probe_timestamp_ms_, std::nullopt);
  // A record that was delivered once does not vanish above the log's beginning, but by compaction.
  if (records.offset(at) != fetch_from_) return !compacted_;
  return records.timestamp_ms(at) != *expected;
}

void Lane::offer(message::RecordBatch records, std::optional<std::int64_t> log_end, Instant now) {
  if (phase_ != LanePhase::running) return;
  if (!records.empty()) {
    if (probe_fails(records)) {
      return stop("the record at offset " + std::to_string(fetch_from_) +
                  " is not the one that was applied there: the topic was recreated");
    }
    const std::int64_t end = records.offset(records.size() - 1) + 1;
    if (end > fetched_to_) push(std::move(records), end, now);
  }
  if (log_end && probe_timestamp_ms_ && *log_end < next_) {
    // It had that record when the lane was taken; what became of it shows when the lane is taken
    // again.
    return partition_failed(
        Failure(FailureKind::position, "the log ends before the position " + std::to_string(next_)),
        now);
  }
  if (log_end && *log_end > fetched_to_) push({}, *log_end, now);
}

void Lane::push(message::RecordBatch records, std::int64_t end, Instant now) {
  fetched_to_ = end;
  if (!records.empty()) {
    newest_offset_ = records.offset(records.size() - 1);
    newest_timestamp_ms_ = records.timestamp_ms(records.size() - 1);
  }
  buffered_records_ += records.size();
  buffered_bytes_ += records.bytes();
  slices_.push_back({std::move(records), end, now});
}

void Lane::partition_failed(const Failure& failure, Instant now) {
  if (phase_ != LanePhase::running) return;
  if (failure.kind == FailureKind::unavailable) return;  // librdkafka goes on by itself
  // Taking the lane again compares its position with the log as it is now, and says what is lost.
  forget(failure.text);
  not_before_ = now + backoff_.next();
  waiting_for_ = PauseReason::backpressure;
}

std::int64_t Lane::place() {
  const bool moved = phase_ == LanePhase::running && !probe_timestamp_ms_;
  if (moved && newest_timestamp_ms_ >= 0) {
    fetch_from_ = newest_offset_;
    probe_timestamp_ms_ = newest_timestamp_ms_;
  }
  phase_ = LanePhase::running;
  return probe_timestamp_ms_ ? fetch_from_ : fetched_to_;
}

void Lane::compare(const Claim& asked, const std::optional<Claim>& seen) {
  const bool owned = phase_ != LanePhase::untaken;
  // Anything that ran meanwhile was fenced by itself.
  if (!owned || busy_ || claim_ != asked) return;
  if (seen != claim_) forget("the database no longer shows the lane as ours");
}

void Lane::published(std::uint64_t generation, std::int64_t number, const base::Status& outcome,
                     Instant now) {
  if (generation != generation_) return;
  SPOOL_ASSERT(outbox_in_flight_ > 0, "an answer to a row that was not handed out");
  --outbox_in_flight_;
  if (outcome) {
    published_.push_back(number);
    outbox_backoff_.succeeded();
  } else if (outcome.failure().kind == FailureKind::refused) {
    refused_.push_back({number, outcome.failure().text});
  } else {
    outbox_waiting_ = true;
    if (now >= outbox_not_before_) outbox_not_before_ = now + outbox_backoff_.next();
  }
}

bool Lane::outbox_quiet() const {
  return outbox_in_flight_ == 0 && published_.empty() && refused_.empty() && !outbox_waiting_;
}

PauseReason Lane::pause_reason() const {
  if (phase_ == LanePhase::stopped) return PauseReason::position_lost;
  if (waiting_for_ != PauseReason::none) return waiting_for_;
  if (phase_ == LanePhase::running && !wants_records()) return PauseReason::backpressure;
  return PauseReason::none;
}

std::int64_t Lane::oldest_waiting_timestamp_ms() const {
  for (const Slice& slice : slices_) {
    if (!slice.records.empty()) return slice.records.record(0).timestamp_ms;
  }
  return -1;
}

void Lane::forget(const std::string& why) {
  phase_ = LanePhase::untaken;
  ++generation_;
  forgotten_because_ = why;
  slices_.clear();
  buffered_bytes_ = 0;
  buffered_records_ = 0;
  probe_timestamp_ms_.reset();
  newest_offset_ = -1;
  newest_timestamp_ms_ = -1;
  outbox_waiting_ = false;
  outbox_in_flight_ = 0;
  published_.clear();
  refused_.clear();
  stop_marked_ = false;
  stop_detail_.clear();
}

void Lane::failed(const Failure& failure, Instant now) {
  switch (failure.kind) {
    case FailureKind::fenced:
      forget(failure.text);
      // Not at once: a former owner that has not heard of its revocation yet would take it back,
      // and so on.
      not_before_ = now + retake_backoff_.next();
      break;
    case FailureKind::in_doubt:
      forget(failure.text);
      break;
    case FailureKind::schema:
    case FailureKind::bad_data:  // of a statement of ours: the event is not to blame
      not_before_ = now + schema_backoff_.next();
      waiting_for_ = PauseReason::schema;
      break;
    default:
      not_before_ = now + backoff_.next();
      waiting_for_ = PauseReason::database;
      break;
  }
}

void Lane::succeeded() {
  backoff_.succeeded();
  schema_backoff_.succeeded();
  waiting_for_ = PauseReason::none;
  not_before_ = {};
}

void Lane::stop(const std::string& detail) {
  forget(detail);
  // What is already dead must still be announced, and what was on its way is forgotten: look again.
  outbox_waiting_ = true;
  phase_ = LanePhase::stopped;
  stop_detail_ = detail;
}

}  // namespace spool::delivery
