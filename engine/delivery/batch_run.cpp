#include "engine/delivery/batch_run.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {
namespace {

using base::FailureKind;
using base::Result;
using base::Status;

constexpr int kConflictRepeatsMax = 3;
// A handler that finds its failures one by one gets ever smaller batches.
constexpr int kWholeRoundsMax = 16;

}  // namespace

BatchRun::BatchRun(Store& store, Probe& probe, const Route& route)
    : store_(store), probe_(probe), route_(route), attempts_(route) {}

RunDone BatchRun::run(const LaneId& lane, const ApplyJob& job, base::EpochMicros now) {
  begin(lane, nullptr, false);
  attempts_.begin_log(lane, job, now);
  return go(job.footing, now);
}

RunDone BatchRun::run(const LaneId& lane, const DrainJob& job, base::EpochMicros now) {
  begin(lane, &job, false);
  return go(job.footing, now);
}

RunDone BatchRun::run(const LaneId& lane, const AwakenJob& job, base::EpochMicros now) {
  begin(lane, nullptr, true);
  return go(job.footing, now);
}

void BatchRun::begin(const LaneId& lane, const DrainJob* drain, bool awaken) {
  lane_ = &lane;
  drain_ = drain;
  awaken_ = awaken;
  page_.reset();
}

RunDone BatchRun::go(Footing footing, base::EpochMicros now) {
  statistics_ = {};
  asked_for_.clear();
  rounds_ = 0;
  now_ = now;
  if (auto marked = mark_trial(footing); !marked) return {marked.failure(), {}};
  Care care = Care::trusting;
  int repeats = 0;
  for (;;) {
    again_ = false;
    if (of_log() || page_) attempts_.prepare();
    ++statistics_.transactions;
    Result<Committed> outcome = transact(footing, care);
    if (again_) {
      if (++rounds_ > kWholeRoundsMax)
        attempts_.cut(std::max<std::size_t>(1, attempts_.events() / 2));
      care = Care::trusting;
      continue;
    }
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

// Suspects run under a mark that is durable before anything of them is read.
Status BatchRun::mark_trial(Footing& footing) {
  trial_.reset();
  if (awaken_) return {};  // it runs nothing but admissions, which the log's own trials are about
  if (drain_ == nullptr) {
    trial_ = next_trial(footing.suspicion, Origin::log, footing.next, attempts_.events_end(),
                        static_cast<std::int64_t>(attempts_.events()));
  } else {
    std::int64_t events = 0;
    for (const HeadRef& head : drain_->heads) events += footing.held->find(head.key)->events;
    events = std::min(events, static_cast<std::int64_t>(footing.events_max));
    trial_ = next_trial(footing.suspicion, Origin::open, drain_->heads.front().number, 0, events);
  }
  if (trial_ && trial_->events == 0) trial_.reset();
  if (!trial_) return {};
  auto begun = store_.begin(*lane_);
  if (!begun) return own(begun.failure());
  LaneTransaction& transaction = **begun;
  Suspicion marked = footing.suspicion;
  marked.trial = trial_;
  if (auto done = own(transaction.fence(footing.claim, nullptr)); !done) return done;
  if (auto done = own(transaction.suspect(marked)); !done) return done;
  if (auto done = own(transaction.commit(Durability::durable)); !done) return done;
  ++footing.claim.seq;
  footing.suspicion = marked;
  if (drain_ == nullptr && condemned(marked, *trial_)) attempts_.condemn(0);
  return {};
}

// Nothing but effects: all counts are known beforehand but for duplicates, and the position moves
// together with the fence.
bool BatchRun::plain(Care care) const {
  return care == Care::trusting && of_log() && !trial_ && attempts_.admissions() == nullptr &&
         attempts_.plain() && asked_for_.empty() &&
         route_.handler->spec.idempotence == handler::Idempotence::natural;
}

Result<Committed> BatchRun::transact(const Footing& footing, Care care) {
  statistics_.counts = {};
  tellings_.clear();
  const bool nothing = of_log() && attempts_.size() == 0 && attempts_.to() == footing.next;
  if (nothing && !trial_) return unchanged(footing);
  const bool plain_way = plain(care);
  probe_.reach(*lane_, Point::before_begin);
  auto begun = store_.begin(*lane_);
  if (!begun) return own(begun.failure()).failure();
  LaneTransaction& transaction = **begun;

  Counters all;
  all.applied = static_cast<std::int64_t>(attempts_.size());
  const Advance whole = plain_way ? advance_of(footing, all) : Advance{};
  if (auto done = own(transaction.fence(footing.claim, plain_way ? &whole : nullptr)); !done)
    return done.failure();
  probe_.reach(*lane_, Point::in_transaction);
  OpenBook book(footing);
  if (!of_log() && !page_) {
    if (auto done = load_page(transaction, footing); !done) return done.failure();
  }
  if (auto done = answer_requests(transaction); !done) return done.failure();
  if (auto done = ask_inbox(transaction); !done) return done.failure();
  if (auto done = apply(transaction, footing, care); !done) return done.failure();
  // A failure that nothing else of the batch waits for is settled in the same transaction, if the
  // position has not moved past it yet.
  again_ |= plain_way && !attempts_.plain();
  if (again_) return another_round();
  if (auto done = check_counts(); !done) return done.failure();

  Committed committed = unchanged(footing);
  ++committed.claim.seq;
  committed.advance = whole;
  Settlement settlement(*lane_, attempts_, route_, book, now_);
  if (attempts_.admissions() != nullptr) {
    if (auto done = take_verdicts(transaction, footing, settlement); !done) return done.failure();
  }
  if (!plain_way) {
    if (auto done = finish(transaction, footing, book, settlement, committed); !done)
      return done.failure();
  }
  if (auto done = tell(transaction, settlement, committed); !done) return done.failure();
  committed.open = book.change();
  committed.no_room = attempts_.no_room();
  probe_.reach(*lane_, Point::before_commit);
  // A mark that came back after a crash of the database would accuse who ran well.
  const bool durable = committed.outbox_written || trial_;
  const auto done = own(transaction.commit(durable ? Durability::durable : Durability::relaxed));
  if (!done) return done.failure();
  probe_.reach(*lane_, Point::after_commit);
  committed.deaths = settlement.newly_dead();
  committed.survived = attempts_.count(Fate::apply) + attempts_.count(Fate::hold);
  summarise(settlement);
  return committed;
}

// The lane as it is.
Committed BatchRun::unchanged(const Footing& footing) const {
  Committed committed;
  committed.claim = footing.claim;
  committed.advance.from = committed.advance.to = footing.next;
  committed.open.next_number = footing.next_number;
  committed.suspicion = footing.suspicion;
  committed.no_room = attempts_.no_room();
  return committed;
}

Status BatchRun::load_page(LaneTransaction& transaction, const Footing& footing) {
  auto page = awaken_ ? read_due(transaction)
                      : transaction.read_open(drain_->heads, footing.events_max, drain_->bytes_max);
  if (!page) return own(page.failure());
  page_ = std::move(*page);
  attempts_.begin_open(*lane_, *page_, footing, now_);
  if (trial_ && condemned(footing.suspicion, *trial_)) attempts_.condemn(0);
  attempts_.prepare();
  return {};
}

Status BatchRun::finish(LaneTransaction& transaction, const Footing& footing, OpenBook& book,
                        Settlement& settlement, Committed& committed) {
  if (auto done = settlement.settle(transaction); !done) return done;
  if (!asked_for_.empty()) {
    std::vector<Revival> revivals;
    const bool to_admit = attempts_.admissions() != nullptr;
    for (const FoundLetter& letter : asked_for_)
      revivals.push_back(book.revive(letter, now_, to_admit));
    if (auto done = own(transaction.revive(revivals)); !done) return done;
    committed.revived = static_cast<std::int64_t>(revivals.size());
  }
  // A natural handler's duplicates change nothing, and are known too late for the fence that
  // carries the position: everywhere they count as applied, like every event that was stale.
  if (route_.handler->spec.idempotence != handler::Idempotence::natural) {
    book.delta.duplicate += statistics_.counts.duplicate;
    book.delta.applied -= statistics_.counts.duplicate;
  }
  if (awaken_) {
    auto next = transaction.next_scheduled();
    if (!next) return own(next.failure());
    book.scheduled_are(*next);
  }
  committed.advance = advance_of(footing, book.delta);
  if (auto done = own(transaction.advance(committed.advance)); !done) return done;
  if (trial_) {
    committed.suspicion = after_commit(footing.suspicion, *trial_, committed.advance.to);
    if (auto done = own(transaction.suspect(committed.suspicion)); !done) return done;
  }
  committed.outbox_written = settlement.outbox_written();
  return {};
}

Status BatchRun::tell(LaneTransaction& transaction, Settlement& settlement, Committed& committed) {
  std::vector<Telling>& dead = settlement.tellings();
  tellings_.insert(tellings_.end(), std::make_move_iterator(dead.begin()),
                   std::make_move_iterator(dead.end()));
  if (tellings_.empty()) return {};
  committed.outbox_written = true;
  return own(transaction.tell(tellings_));
}

Advance BatchRun::advance_of(const Footing& footing, const Counters& delta) const {
  Advance step{footing.next, footing.next, -1, -1, delta};
  if (of_log()) {
    step.to = attempts_.to();
    step.last_offset = attempts_.last_offset();
    step.last_timestamp_ms = attempts_.last_timestamp_ms();
    step.delta.gaps = attempts_.gaps();
  }
  SPOOL_ASSERT(step.delta.sum() == step.to - step.from, "a batch that loses count");
  return step;
}

void BatchRun::summarise(Settlement& settlement) {
  statistics_.failed = std::move(settlement.failed());
  statistics_.duplicate_deaths = settlement.dead_already();
  statistics_.duplicates = attempts_.count(Fate::duplicate);
  if (route_.handler->spec.idempotence == handler::Idempotence::inbox) {
    statistics_.lookups =
        static_cast<std::int64_t>(attempts_.inbox_items().size()) + statistics_.duplicates;
  }
  statistics_.held = of_log() ? attempts_.count(Fate::park) + attempts_.count(Fate::schedule) +
                                    attempts_.count(Fate::hold)
                              : 0;
  statistics_.records =
      static_cast<std::int64_t>(attempts_.size()) - attempts_.count(Fate::wait) - statistics_.held;
  if (attempts_.size() > 0) statistics_.oldest_timestamp_ms = attempts_.record(0).timestamp_ms;
  for (std::size_t item = 0; item < attempts_.size(); ++item) {
    // Whichever round they failed in.
    const Fate fate = attempts_.fate(item);
    if (fate != Fate::retry && fate != Fate::die) continue;
    const std::string& service = attempts_.trouble(item).dependency;
    if (!service.empty()) statistics_.dependencies_failed.push_back(service);
  }
  if (!page_) return;
  for (std::size_t item = 0; item < attempts_.size(); ++item) {
    const OpenRow& row = *attempts_.row(item);
    const Fate fate = attempts_.fate(item);
    if (fate == Fate::apply || fate == Fate::die)
      statistics_.attempts.push_back(attempts_.attempt(item));
    // Of those that waited for a time, not of those that waited for others.
    const bool acted = row.state == OpenState::head && fate != Fate::wait;
    if (acted && row.first_failed_at != 0) statistics_.lateness.push_back(now_ - row.due);
  }
}

}  // namespace spool::delivery
