// What happens to a lane beside its jobs: records arrive, rows are answered, claims are compared,
// things fail.
#include <algorithm>
#include <utility>

#include "engine/delivery/lane.hpp"

namespace spool::delivery {

using base::Failure;
using base::FailureKind;

bool Lane::wants_records() const {
  return phase_ == LanePhase::running && !no_room_ && feed_.bytes() < limits_.buffer_bytes;
}

void Lane::offer(message::RecordBatch records, std::optional<std::int64_t> log_end, Instant now) {
  if (phase_ != LanePhase::running) return;
  if (const auto why = feed_.offer(std::move(records), now)) return stop(*why);
  if (log_end && !feed_.end_seen(*log_end, next_, now)) {
    // It had that record when the lane was taken; what became of it shows when the lane is taken
    // again.
    partition_failed(
        Failure(FailureKind::position, "the log ends before the position " + std::to_string(next_)),
        now);
  }
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
  const bool moved = phase_ == LanePhase::running;
  phase_ = LanePhase::running;
  return feed_.place(moved);
}

void Lane::companion_read(const std::string& topic, std::int64_t next,
                          std::vector<ReplayRequest> requests) {
  if (phase_ != LanePhase::running && phase_ != LanePhase::unplaced) return;
  companions_read_[topic] = next;
  companions_[topic] = next;
  std::move(requests.begin(), requests.end(), std::back_inserter(requests_));
}

void Lane::set_commands(std::vector<Command> commands) {
  if (phase_ == LanePhase::untaken) return;
  if (commands_.empty() && !commands.empty()) command_not_before_ = {};
  commands_ = std::move(commands);
}

// A loss can be accepted once the lane says that there is one, and refused once it is known that
// there is none: until its first record has come, it may turn out to be another log's.
const Command* Lane::next_command() const {
  if (foreign_) return nullptr;
  const bool stopped = phase_ == LanePhase::stopped;
  for (const Command& command : commands_) {
    const bool accepts = command.kind == CommandKind::accept_loss;
    if (stopped ? accepts : !accepts || feed_.proven()) return &command;
  }
  return nullptr;
}

void Lane::compare(const Claim& asked, const std::optional<Claim>& seen) {
  const bool owned = phase_ != LanePhase::untaken;
  // Anything that ran meanwhile was fenced by itself.
  if (!owned || busy_ || claim_ != asked) return;
  if (seen != claim_) forget("the database no longer shows the lane as ours");
}

void Lane::published(std::uint64_t generation, std::int64_t number, const base::Status& outcome,
                     Instant now) {
  if (generation == generation_) outbox_.answered(number, outcome, now);
}

PauseReason Lane::pause_reason() const {
  if (phase_ == LanePhase::stopped) return PauseReason::position_lost;
  if (waiting_for_ != PauseReason::none) return waiting_for_;
  if (phase_ != LanePhase::running) return PauseReason::none;
  if (paused_) return PauseReason::operator_;
  if (held_up_) return PauseReason::circuit;
  if (valve_.wake_at()) return PauseReason::dead_letters;
  return wants_records() ? PauseReason::none : PauseReason::backpressure;
}

void Lane::forget(const std::string& why) {
  phase_ = LanePhase::untaken;
  ++generation_;
  let_go_ = false;
  forgotten_because_ = why;
  feed_.clear();
  outbox_.clear();
  calls_.clear();
  held_ = std::make_shared<HeldKeys>();  // a job may still read the old one
  open_bytes_ = 0;
  next_scheduled_.reset();
  suspicion_ = {};
  no_room_ = false;
  companions_.clear();
  companions_read_.clear();
  requests_.clear();
  commands_.clear();
  stop_marked_ = false;
  foreign_ = false;
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

void Lane::database_is_back() {
  if (waiting_for_ == PauseReason::database) not_before_ = {};
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
  outbox_.written();
  phase_ = LanePhase::stopped;
  stop_detail_ = detail;
}

}  // namespace spool::delivery
