#include "engine/delivery/lane.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {

using base::FailureKind;

namespace {

constexpr int kSlowInARowMax = 3;
// Nobody else to compare with: so often alone, with waits between, and it is the event after all.
constexpr int kSlowAloneMax = 10;
// With a head due so soon, a batch is not longer than a drain.
constexpr base::EpochMicros kSoon = 200'000;
constexpr std::chrono::milliseconds kCommandTick{100};

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
    case PauseReason::circuit:
      return "circuit";
    case PauseReason::dead_letters:
      return "dead_letters";
    case PauseReason::operator_:
      return "operator";
  }
  return "unknown";
}

Lane::Lane(LaneId id, const LaneLimits& limits, std::uint64_t generation)
    : id_(std::move(id)),
      limits_(limits),
      generation_(generation),
      held_(std::make_shared<HeldKeys>()),
      outbox_(limits.outbox_every, limits.wait_first, limits.wait_cap),
      valve_(limits.valve),
      backoff_(limits.wait_first, limits.wait_cap),
      schema_backoff_(limits.wait_first, limits.schema_wait_cap),
      retake_backoff_(limits.wait_first, limits.wait_cap) {}

std::optional<Job> Lane::next_job(const Moment& now, const Gate& gate) {
  if (busy_ || now.at < not_before_) return std::nullopt;
  commits_seen_ = gate.commits;
  held_up_ = (gate.shut || gate.paused) && !limits_.performs;
  paused_ = gate.paused;
  std::optional<Job> job = choose(now, gate);
  busy_ = job.has_value();
  job_generation_ = generation_;
  return job;
}

std::optional<Job> Lane::choose(const Moment& now, const Gate& gate) {
  if (phase_ == LanePhase::untaken) return TakeJob{};
  if (phase_ == LanePhase::stopped && !stop_marked_)
    return MarkStoppedJob{claim_, to_string(PauseReason::position_lost), stop_detail_};
  if (outbox_.to_settle()) return outbox_.settle(claim_);
  if (outbox_.to_read(now.at)) return ReadOutboxJob{limits_.outbox_rows_max};
  const Command* command = next_command();
  if (phase_ == LanePhase::stopped) {
    if (command == nullptr) return std::nullopt;
    return command_job(*command, now.at);
  }
  if (!requests_.empty() || (!companions_read_.empty() && now.at >= companions_not_before_)) {
    return CompanionsJob{footing(now.at, 0), std::exchange(companions_read_, {}),
                         std::exchange(requests_, {})};
  }
  // Of a handler that performs, what is paused is its calls.
  const bool awaken = next_scheduled_ && *next_scheduled_ <= now.database;
  if (awaken && (limits_.performs || !gate.paused)) return AwakenJob{footing(now.at, 0)};
  // In turns with events: a command of a million pages must not hold them up.
  const bool command_due = command != nullptr && now.at >= command_not_before_;
  if (command_due && !commanded_last_) return command_job(*command, now.at);
  commanded_last_ = false;
  if (auto job = choose_events(now, gate)) return job;
  if (command_due) return command_job(*command, now.at);
  return std::nullopt;
}

Job Lane::command_job(const Command& command, Instant now) {
  commanded_last_ = true;
  const std::int64_t rate = command.rate;
  const auto a_tick =
      static_cast<std::size_t>(std::max<std::int64_t>(1, rate * kCommandTick.count() / 1000));
  const std::size_t page =
      rate == 0 ? limits_.command_page_max : std::min(limits_.command_page_max, a_tick);
  return CommandJob{footing(now, 0), command, page, phase_ == LanePhase::stopped};
}

bool Lane::may_apply() const {
  return phase_ == LanePhase::running && !feed_.empty() && !no_room_;
}

std::optional<Job> Lane::choose_events(const Moment& now, const Gate& gate) {
  if (limits_.performs) return choose_performing(now, gate);
  if (gate.shut || gate.paused || gate.occupied) return std::nullopt;
  std::size_t events = gate.probe ? 1 : limits_.batch_events_max;
  const std::int64_t allowed = valve_.events_allowed(now.at);
  if (allowed < static_cast<std::int64_t>(events)) events = static_cast<std::size_t>(allowed);
  if (events == 0) return std::nullopt;
  const bool heads = heads_due(now.database) && now.at >= drain_not_before_;
  // In turns: neither what failed nor what is new may starve the other.
  const bool apply = may_apply() && now.at >= apply_not_before_;
  if (heads && !(drained_last_ && apply)) {
    drained_last_ = true;
    return drain_job(now, events, gate);
  }
  drained_last_ = false;
  if (!apply) return std::nullopt;
  return apply_job(now, events, gate);
}

std::size_t Lane::run_together(Origin origin) const {
  const std::int64_t suspects =
      origin == Origin::log ? suspicion_.log_together : suspicion_.open_together;
  const std::size_t limit = origin == Origin::log ? slow_log_.limit : slow_open_.limit;
  const std::size_t events = limit == 0 ? limits_.batch_events_max : limit;
  return suspects == 0 ? events : std::min(events, static_cast<std::size_t>(suspects));
}

Job Lane::drain_job(const Moment& now, std::size_t events_max, const Gate& gate) {
  const std::size_t events =
      std::min({events_max, limits_.drain_events_max, run_together(Origin::open)});
  // Each head brings what waits behind it; with one event at a time there is one head.
  Footing ground = footing(now.at, events);
  ground.blame_slow = blame_slow(slow_open_, events, gate);
  const std::size_t heads_max = std::max<std::size_t>(1, events / 2);
  DrainJob job{std::move(ground), held_->due(now.database, heads_max), limits_.drain_bytes_max};
  // A page of heads that is full has others behind it.
  const bool full = job.heads.size() == heads_max;
  drain_not_before_ = full ? now.at : now.at + limits_.gather;
  std::size_t waiting = 0;
  for (const HeadRef& head : job.heads)
    waiting += static_cast<std::size_t>(held_->find(head.key)->events);
  job_events_ = std::min(events, waiting);
  return job;
}

Job Lane::apply_job(const Moment& now, std::size_t events_max, const Gate& gate) {
  std::size_t events = std::min(events_max, run_together(Origin::log));
  const auto due = held_->next_due();
  if (due && *due <= now.database + kSoon) events = std::min(events, limits_.drain_events_max);
  Footing ground = footing(now.at, events);
  ground.blame_slow = blame_slow(slow_log_, events, gate);
  ApplyJob job{std::move(ground), feed_.take(events, limits_.batch_bytes_max)};
  std::size_t records = 0;
  for (const Slice& slice : job.slices) records += slice.records.size();
  job_events_ = std::min(events, records);
  return job;
}

Footing Lane::footing(Instant now, std::size_t events_max) const {
  Footing footing;
  footing.claim = claim_;
  footing.next = next_;
  footing.held = held_;
  footing.next_number = next_number_;
  footing.suspicion = suspicion_;
  footing.doubt_below = doubt_below_;
  footing.doubt_until = doubt_until_;
  footing.room = {limits_.open_events_max - counters_.open, limits_.open_bytes_max - open_bytes_,
                  limits_.key_events_max};
  footing.events_max = events_max;
  footing.deaths_max = valve_.deaths_allowed(now);
  return footing;
}

bool Lane::blame_slow(const Slowness& slowness, std::size_t events_max, const Gate& gate) const {
  const bool others_commit = gate.commits > slowness.commits_before;
  return slowness.streak >= kSlowInARowMax && events_max == 1 &&
         (others_commit || slowness.alone >= kSlowAloneMax);
}

bool Lane::end_job() {
  SPOOL_ASSERT(busy_, "the end of a job that was not begun");
  busy_ = false;
  return job_generation_ == generation_;
}

bool Lane::runs_suspects(const Moment& now) const {
  if (busy_ || phase_ == LanePhase::untaken || phase_ == LanePhase::stopped) return false;
  if (!suspicion_.any() || now.at < not_before_ || !valve_.open(now.at)) return false;
  return (suspicion_.log_together > 0 && may_apply()) ||
         (suspicion_.open_together > 0 && heads_due(now.database));
}

bool Lane::heads_due(base::EpochMicros now) const {
  const auto due = held_->next_due();
  return due && *due <= now;
}

std::optional<Instant> Lane::wake_at(const Moment& now) const {
  if (busy_) return std::nullopt;
  std::optional<Instant> wake;
  const auto at = [&](Instant when) {
    when = std::max(when, not_before_);
    if (!wake || when < *wake) wake = when;
  };
  const bool waits = phase_ == LanePhase::untaken || !feed_.empty() || outbox_.to_settle() ||
                     (phase_ == LanePhase::stopped && (!stop_marked_ || next_command()));
  if (waits && not_before_ != Instant{}) at(not_before_);
  if (!feed_.empty() && apply_not_before_ > now.at) at(apply_not_before_);
  if (const auto outbox = outbox_.wake_at()) at(*outbox);
  if (phase_ == LanePhase::untaken || phase_ == LanePhase::stopped) return wake;
  if (!companions_read_.empty()) at(companions_not_before_);
  if (next_command() != nullptr) at(command_not_before_);
  if (next_scheduled_) at(now.when(*next_scheduled_));
  const auto trial = valve_.wake_at();
  const bool shut = held_up_ || valve_.state(now.at) == ValveState::shut;
  if (shut && trial && *trial > now.at) at(*trial);
  if (const auto head = held_->next_due(); head && !shut)
    at(std::max(now.when(*head), drain_not_before_));
  return wake;
}

void Lane::finish_take(base::Result<Taken> outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome && outcome.failure().kind == FailureKind::position) {
    stop(outcome.failure().text);
    stop_marked_ = true;  // nor is the outbox ours to read
    foreign_ = true;
    outbox_.clear();
    return;
  }
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  mark_in_doubt_ = false;
  LaneState& state = outcome->state;
  claim_ = state.claim;
  epoch_ = state.epoch;
  mark_ = {epoch_, claim_.seq};
  start_ = state.start;
  next_ = state.next;
  counters_ = state.counters;
  for (const KeyChange& key : state.open.keys) held_->set(key.key, key.held);
  open_bytes_ = state.open.bytes;
  next_number_ = state.open.next_number;
  next_scheduled_ = state.open.next_scheduled;
  doubt_below_ = state.doubt_below;
  doubt_until_ = state.doubt_until;
  suspicion_ = state.suspicion;
  // Who was being performed is asked about, not run again.
  if (limits_.performs) suspicion_.open_together = suspicion_.open_left = 0;
  companions_ = std::move(state.companions);
  if (state.outbox_pending) outbox_.written();
  SPOOL_ASSERT(next_ - start_ == counters_.sum(), "the lane's row breaks conservation");
  if (const auto why = position_lost(state, outcome->bounds)) return stop(*why);
  feed_.begin(plan_fetch(state, outcome->bounds), outcome->bounds.compacted, next_);
  phase_ = LanePhase::unplaced;
}

// The one place where what the lane believes follows a commit.
void Lane::take_in(const Committed& committed) {
  const Advance& step = committed.advance;
  SPOOL_ASSERT(step.from == next_ && step.to >= next_, "a commit of another position");
  SPOOL_ASSERT(step.delta.sum() == step.to - step.from, "a commit that loses count");
  claim_ = committed.claim;
  next_ = step.to;
  counters_.applied += step.delta.applied;
  counters_.duplicate += step.delta.duplicate;
  counters_.dead += step.delta.dead;
  counters_.open += step.delta.open;
  counters_.gaps += step.delta.gaps;
  counters_.lost += step.delta.lost;
  const OpenChange& open = committed.open;
  for (const KeyChange& key : open.keys) held_->set(key.key, key.held);
  open_bytes_ += open.bytes;
  next_number_ = open.next_number;
  const bool sooner =
      open.next_scheduled && (!next_scheduled_ || *open.next_scheduled < *next_scheduled_);
  if (open.scheduled_known || sooner) next_scheduled_ = open.next_scheduled;
  suspicion_ = committed.suspicion;
  no_room_ = committed.no_room;
  if (committed.outbox_written) outbox_.written();
}

// Of jobs that run events. A batch that is too slow again and again will not become faster as it
// is: from the third time on it is halved.
void Lane::ran(const base::Result<Committed>& outcome, Slowness& slowness, Instant now) {
  if (outcome) {
    succeeded();
    // A job that found nothing to run (the probe alone) has shown nothing.
    if (outcome->claim != claim_) {
      retake_backoff_.succeeded();
      slowness.streak = 0;
      slowness.alone = 0;
      slowness.limit *= 2;
      if (slowness.limit >= limits_.batch_events_max) slowness.limit = 0;
    }
    valve_.settled(outcome->deaths, outcome->survived, now);
    return take_in(*outcome);
  }
  // The mark may stand. Taking the lane once more is the way to be sure.
  if (suspicion_.any()) {
    mark_in_doubt_ = true;
    forget("a run of suspects failed: " + outcome.failure().text);
  }
  const bool slow = outcome.failure().kind == FailureKind::slow;
  if (slow && slowness.streak == 0) slowness.commits_before = commits_seen_;
  slowness.streak = slow ? slowness.streak + 1 : 0;
  if (slow && job_events_ <= 1) ++slowness.alone;
  if (slowness.streak >= kSlowInARowMax) slowness.limit = std::max<std::size_t>(1, job_events_ / 2);
  failed(outcome.failure(), now);
}

void Lane::finish_apply(ApplyJob job, const base::Result<Committed>& outcome, Instant now) {
  if (!end_job()) return;
  const std::uint64_t generation = generation_;
  ran(outcome, slow_log_, now);
  if (generation == generation_) feed_.put_back(std::move(job.slices), next_);
  if (outcome && outcome->outbox_written && feed_.empty()) apply_not_before_ = now + limits_.gather;
}

void Lane::finish_drain(const base::Result<Committed>& outcome, Instant now) {
  if (!end_job()) return;
  ran(outcome, slow_open_, now);
}

void Lane::finish_awaken(base::Result<Committed> outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  take_in(*outcome);
}

void Lane::finish_companions(CompanionsJob job, base::Result<Committed> outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) {
    // What was read since is newer.
    companions_read_.merge(job.next);
    requests_.insert(requests_.begin(), job.requests.begin(), job.requests.end());
    return failed(outcome.failure(), now);
  }
  succeeded();
  take_in(*outcome);
  companions_not_before_ = now + limits_.companions_every;
}

void Lane::finish_command(const CommandJob& job, base::Result<Committed> outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  if (outcome->moved) return forget("an operator has accepted the loss of its position");
  take_in(*outcome);
  const Command& command = job.command;
  // In turns with the others, and no faster than it was asked to be.
  std::erase_if(commands_, [&](const Command& c) { return c.id == command.id; });
  if (outcome->more) commands_.push_back(command);
  const auto pause = command.rate == 0
                         ? std::chrono::milliseconds(0)
                         : std::chrono::milliseconds(outcome->targeted * 1000 / command.rate);
  command_not_before_ = now + pause;
}

void Lane::finish_read_outbox(base::Result<std::size_t> rows_read, Instant now) {
  if (!end_job()) return;
  if (!rows_read) return failed(rows_read.failure(), now);
  succeeded();
  outbox_.read(*rows_read, *rows_read == limits_.outbox_rows_max, now);
}

void Lane::finish_settle_outbox(SettleOutboxJob job, base::Result<Claim> outcome, Instant now) {
  if (!end_job()) return;
  if (outcome) {
    succeeded();
    claim_ = *outcome;
    return;
  }
  outbox_.unsettled(std::move(job));
  failed(outcome.failure(), now);
}

void Lane::finish_mark_stopped(const base::Status& outcome, Instant now) {
  if (!end_job()) return;
  if (!outcome) return failed(outcome.failure(), now);
  succeeded();
  ++claim_.seq;
  stop_marked_ = true;
}

// Whatever came of it: the next owner is careful, or need not be.
void Lane::finish_let_go() {
  if (end_job()) let_go_ = true;
}

}  // namespace spool::delivery
