#include "engine/delivery/batch_run.hpp"

#include <algorithm>
#include <exception>
#include <string>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/message/identity.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

constexpr int kConflictRepeatsMax = 3;
constexpr std::size_t kReasonBytesMax = 500;
constexpr std::size_t kTraceBytesMax = 64;

void add(handler::ApplyCounts& sum, const handler::ApplyCounts& part) {
  sum.written += part.written;
  sum.coalesced += part.coalesced;
  sum.stale += part.stale;
  sum.duplicate += part.duplicate;
  sum.rows += part.rows;
}

// A statement of the engine's own that the database refuses is our fault, never an event's.
Status own(Status status) {
  if (status || status.failure().kind != FailureKind::bad_data) return status;
  return Failure(FailureKind::schema, status.failure().text, status.failure().sqlstate);
}

}  // namespace

BatchRun::BatchRun(Store& store, Probe& probe, const Route& route)
    : store_(store),
      probe_(probe),
      route_(route),
      batch_(std::get<std::unique_ptr<handler::ApplyAtOnce>>(route.handler->way)->make_batch()) {}

ApplyDone BatchRun::run(const LaneId& lane, const ApplyJob& job, base::EpochMicros now) {
  statistics_ = {};
  decode(lane, job, now);
  Care care = Care::trusting;
  int repeats = 0;
  for (;;) {
    ++statistics_.transactions;
    Result<Committed> outcome = transact(lane, job, care);
    if (!outcome && outcome.failure().kind == FailureKind::bad_data) {
      SPOOL_ASSERT(care == Care::trusting, "a search that ends without a culprit");
      care = Care::searching;
      continue;
    }
    const bool conflict = !outcome && outcome.failure().kind == FailureKind::conflict;
    if (conflict && ++repeats <= kConflictRepeatsMax) continue;
    return {std::move(outcome), std::move(statistics_)};
  }
}

void BatchRun::decode(const LaneId& lane, const ApplyJob& job, base::EpochMicros now) {
  batch_->clear();
  origins_.clear();
  undecodable_.clear();
  gaps_ = 0;
  last_offset_ = -1;
  last_timestamp_ms_ = -1;
  std::int64_t expected = job.from;
  for (std::uint32_t s = 0; s < job.slices.size(); ++s) {
    const Slice& slice = job.slices[s];
    for (std::uint32_t r = 0; r < slice.records.size(); ++r) {
      const message::Record record = slice.records.record(r);
      if (record.offset < expected) continue;  // fetched twice, or the probe before our position
      gaps_ += record.offset - expected;
      expected = record.offset + 1;
      last_offset_ = record.offset;
      last_timestamp_ms_ = record.timestamp_ms;
      if (statistics_.records++ == 0) statistics_.oldest_timestamp_ms = record.timestamp_ms;
      stage_record(lane, record, {s, r}, now);
    }
  }
  gaps_ += job.to() - expected;
}

void BatchRun::stage_record(const LaneId& lane, const message::Record& record, Origin origin,
                            base::EpochMicros now) {
  const auto read = reader_.read(record);
  if (const auto* bad = std::get_if<message::NotAnEvent>(&read)) {
    undecodable_.push_back(letter(lane, record, bad->why, bad->source, bad->id, {}));
    return;
  }
  const message::Event& event = std::get<message::Event>(read);
  const auto& types = route_.handler->spec.types;
  if (std::find(types.begin(), types.end(), event.type) == types.end()) {
    message::Rejection why{
        message::ErrorType::schema_unknown_type, "type",
        "'" + base::printable(event.type, 100) + "' is not taken by handler " + lane.handler};
    undecodable_.push_back(
        letter(lane, record, std::move(why), event.source, event.id, event.type));
    return;
  }
  if (auto why = stage_event(event, now)) {
    undecodable_.push_back(
        letter(lane, record, std::move(*why), event.source, event.id, event.type));
    return;
  }
  origins_.push_back(origin);
}

// Whatever a handler throws is a failure of that event, never of the process.
std::optional<message::Rejection> BatchRun::stage_event(const message::Event& event,
                                                        base::EpochMicros now) {
  const std::size_t staged = batch_->size();
  std::string what = "something that is no std::exception";
  try {
    return batch_->stage(event, now);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {  // what it is stays unknown
  }
  SPOOL_ASSERT(batch_->size() == staged, "an event that is not staged leaves no trace");
  return message::Rejection{message::ErrorType::handler_bug,
                            {},
                            "handler threw: " + base::printable(what, kReasonBytesMax)};
}

Result<Committed> BatchRun::transact(const LaneId& lane, const ApplyJob& job, Care care) {
  letters_ = undecodable_;
  newly_dead_ = 0;
  statistics_.counts = {};
  probe_.reach(lane, Point::before_begin);
  auto begun = store_.begin(lane);
  if (!begun) return own(begun.failure()).failure();
  LaneTransaction& transaction = **begun;

  // Nothing to bury and nothing suspected: all counts are known beforehand but for duplicates, and
  // the position moves together with the fence.
  const bool plain = care == Care::trusting && letters_.empty() &&
                     route_.handler->spec.idempotence == handler::Idempotence::natural;
  const Advance expected = advance_of(job);
  if (auto fenced = own(transaction.fence(job.claim, plain ? &expected : nullptr)); !fenced)
    return fenced.failure();
  probe_.reach(lane, Point::in_transaction);
  if (auto done = apply_and_bury(transaction, lane, job, care); !done) return done.failure();
  const Advance step = plain ? expected : advance_of(job);
  if (!plain) {
    if (auto moved = own(transaction.advance(step)); !moved) return moved.failure();
  }
  const bool outbox_written = newly_dead_ > 0;
  probe_.reach(lane, Point::before_commit);
  const auto committed =
      own(transaction.commit(outbox_written ? Durability::durable : Durability::relaxed));
  if (!committed) return committed.failure();
  probe_.reach(lane, Point::after_commit);
  return Committed{{job.claim.token, job.claim.seq + 1}, step, outbox_written};
}

Status BatchRun::apply_and_bury(LaneTransaction& transaction, const LaneId& lane,
                                const ApplyJob& job, Care care) {
  if (!origins_.empty()) {
    if (care == Care::searching) {
      if (auto searched = search(transaction, lane, job, 0, origins_.size()); !searched)
        return searched;
    } else {
      auto applied = transaction.apply(*batch_, 0, origins_.size());
      if (!applied) return applied.failure();
      add(statistics_.counts, *applied);
    }
  }
  return bury(transaction);
}

// In the order of the events: the first half is applied before the second is tried.
Status BatchRun::search(LaneTransaction& transaction, const LaneId& lane, const ApplyJob& job,
                        std::size_t first, std::size_t last) {
  if (auto saved = own(transaction.savepoint()); !saved) return saved;
  auto applied = transaction.apply(*batch_, first, last);
  if (applied) {
    add(statistics_.counts, *applied);
    return own(transaction.release_savepoint());
  }
  if (applied.failure().kind != FailureKind::bad_data) return applied.failure();
  if (auto back = own(transaction.rollback_to_savepoint()); !back) return back;
  if (last - first == 1) {
    blame(lane, job, first, applied.failure());
    return {};
  }
  const std::size_t middle = first + (last - first) / 2;
  if (auto half = search(transaction, lane, job, first, middle); !half) return half;
  return search(transaction, lane, job, middle, last);
}

void BatchRun::blame(const LaneId& lane, const ApplyJob& job, std::size_t staged,
                     const Failure& failure) {
  const auto [slice, index] = origins_[staged];
  const message::Record record = job.slices[slice].records.record(index);
  const auto read = reader_.read(record);
  const auto* event = std::get_if<message::Event>(&read);
  SPOOL_ASSERT(event != nullptr, "a staged record is an event");
  const bool threw = failure.sqlstate == kHandlerThrew;
  message::Rejection why{
      threw ? message::ErrorType::handler_bug : message::ErrorType::db_constraint,
      {},
      base::printable(failure.text, kReasonBytesMax)};
  letters_.push_back(letter(lane, record, std::move(why), event->source, event->id, event->type));
}

Status BatchRun::bury(LaneTransaction& transaction) {
  if (letters_.empty()) return {};
  auto buried = transaction.bury(letters_);
  if (!buried) return own(Status(buried.failure()));
  newly_dead_ = *buried;
  statistics_.duplicate_deaths = static_cast<std::int64_t>(letters_.size()) - newly_dead_;
  statistics_.rejected.clear();
  for (const DeadLetter& dead : letters_) {
    const auto trace = dead.record.header("ce_traceparent");
    statistics_.rejected.push_back({dead.why.type, dead.source, dead.id, dead.why.message(),
                                    dead.record.offset,
                                    base::printable(trace.value_or(""), kTraceBytesMax)});
  }
  return {};
}

Advance BatchRun::advance_of(const ApplyJob& job) const {
  Advance step{job.from, job.to(), last_offset_, last_timestamp_ms_, {}};
  const auto letters = static_cast<std::int64_t>(letters_.size());
  step.delta.gaps = gaps_;
  step.delta.dead = newly_dead_;
  // A natural handler's duplicates change nothing and are known too late for the fence that carries
  // the position: the lane counts them as applied, like every event that was stale.
  const bool natural = route_.handler->spec.idempotence == handler::Idempotence::natural;
  step.delta.duplicate = letters - newly_dead_ + (natural ? 0 : statistics_.counts.duplicate);
  step.delta.applied = step.to - step.from - gaps_ - step.delta.dead - step.delta.duplicate;
  return step;
}

DeadLetter BatchRun::letter(const LaneId& lane, const message::Record& record,
                            message::Rejection why, std::string_view source, std::string_view id,
                            std::string_view type) const {
  DeadLetter dead{std::string(source), std::string(id), base::printable(type, 255), record,
                  std::move(why)};
  if (source.empty() || id.empty()) {
    message::Identity stand_in = message::coordinates_identity(route_.topic, lane.partition,
                                                               record.offset, record.timestamp_ms);
    dead.source = std::move(stand_in.source);
    dead.id = std::move(stand_in.id);
  }
  return dead;
}

}  // namespace spool::delivery
