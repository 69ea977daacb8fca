#include "engine/delivery/calls_run.hpp"

#include <iterator>
#include <variant>

#include "engine/base/assert.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

constexpr int kConflictRepeatsMax = 3;

}  // namespace

CallsRun::CallsRun(Store& store, Probe& probe, const Route& route)
    : store_(store), probe_(probe), route_(route), attempts_(route) {}

RunDone CallsRun::run(const LaneId& lane, const CallsJob& job, base::EpochMicros now) {
  lane_ = &lane;
  now_ = now;
  statistics_ = {};
  for (int repeats = 0;; ++repeats) {
    ++statistics_.transactions;
    Result<Committed> outcome = transact(job);
    const bool conflict = !outcome && outcome.failure().kind == FailureKind::conflict;
    if (conflict && repeats < kConflictRepeatsMax) continue;
    return {std::move(outcome), std::move(statistics_)};
  }
}

Result<Committed> CallsRun::transact(const CallsJob& job) {
  probe_.reach(*lane_, Point::before_begin);
  auto begun = store_.begin(*lane_);
  if (!begun) return own(begun.failure()).failure();
  LaneTransaction& transaction = **begun;
  const Footing& footing = job.footing;
  if (auto done = own(transaction.fence(footing.claim, nullptr)); !done) return done.failure();
  probe_.reach(*lane_, Point::in_transaction);
  Committed committed;
  committed.claim = {footing.claim.token, footing.claim.seq + 1};
  committed.suspicion = footing.suspicion;
  if (auto done = load(transaction, job); !done) return done.failure();
  judge_ends(job);
  attempts_.prepare();
  if (auto done = tell_handler(transaction, ended_); !done) return done.failure();
  if (auto done = open_heads(transaction, job, committed); !done) return done.failure();
  attempts_.prepare();
  if (auto done = tell_handler(transaction, opened_ended_); !done) return done.failure();

  OpenBook book(footing);
  Settlement settlement(*lane_, attempts_, route_, book, now_);
  if (auto done = settlement.settle(transaction); !done) return done.failure();
  if (auto done = mark(transaction, book, committed); !done) return done.failure();
  std::vector<Telling>& dead = settlement.tellings();
  tellings_.insert(tellings_.end(), std::make_move_iterator(dead.begin()),
                   std::make_move_iterator(dead.end()));
  if (!tellings_.empty()) {
    if (auto done = own(transaction.tell(tellings_)); !done) return done.failure();
  }
  committed.advance = {footing.next, footing.next, -1, -1, book.delta};
  if (book.delta != Counters{}) {
    if (auto done = own(transaction.advance(committed.advance)); !done) return done.failure();
  }
  committed.open = book.change();
  committed.outbox_written = settlement.outbox_written() || !tellings_.empty();
  probe_.reach(*lane_, Point::before_commit);
  // A marker that a crash of the database could take back would let the next owner call again.
  if (auto done = own(transaction.commit(Durability::durable)); !done) return done.failure();
  probe_.reach(*lane_, Point::after_commit);
  committed.deaths = settlement.newly_dead();
  committed.survived = attempts_.count(Fate::apply);
  summarise(settlement, committed);
  return committed;
}

Status CallsRun::load(LaneTransaction& transaction, const CallsJob& job) {
  std::vector<std::int64_t> numbers;
  for (const CallEnd& end : job.ends) numbers.push_back(end.number);
  for (const HeadRef& head : job.heads) numbers.push_back(head.number);
  auto page = transaction.read_rows(numbers);
  if (!page) return own(page.failure());
  page_ = std::move(*page);
  items_.clear();
  for (std::size_t item = 0; item < page_.rows.size(); ++item)
    items_.emplace(page_.rows[item].number, item);
  if (items_.size() != numbers.size())
    return Failure(FailureKind::schema, "a head that was to act has no row");
  attempts_.begin_given(*lane_, page_, job.footing, now_);
  ended_.clear();
  turns_.clear();
  opened_ended_.clear();
  answers_.clear();
  marks_.clear();
  groups_.clear();
  tellings_.clear();
  told_numbers_.clear();
  return {};
}

void CallsRun::judge_ends(const CallsJob& job) {
  for (const CallEnd& end : job.ends) {
    const std::size_t item = items_.at(end.number);
    ended_.push_back(item);
    judge(item, end);
  }
}

// Services say how long; what is stored is when.
std::optional<base::EpochMicros> CallsRun::later(
    const std::optional<std::chrono::milliseconds>& wait) const {
  if (!wait) return std::nullopt;
  return now_ + std::chrono::duration_cast<std::chrono::microseconds>(*wait).count();
}

void CallsRun::judge(std::size_t item, const CallEnd& end) {
  const OpenRow& row = page_.rows[item];
  if (const auto* done = std::get_if<handler::Performed>(&end.outcome)) {
    answers_[item] = done->answer;
    return attempts_.learn_done(item);
  }
  if (const auto* failed = std::get_if<handler::CallFailed>(&end.outcome)) {
    answers_[item] = failed->answer;
    // Asking uses up no attempt, and ends no doubt.
    const bool in_doubt = failed->in_doubt || (end.asked && !failed->why.dependency.empty());
    handler::EventFailure why = failed->why;
    why.not_before = later(failed->retry_after);
    return attempts_.learn_call_failure(item, std::move(why),
                                        {end.charged && !end.asked, in_doubt, row.attempts + 1});
  }
  HeadMark mark{row.number, now_, 0};
  if (const auto* not_begun = std::get_if<handler::NotBegun>(&end.outcome)) {
    // What was to be asked about is still in doubt.
    if (end.asked) mark.doubt_until = row.doubt_until;
    mark.due = later(not_begun->retry_after).value_or(now_);
  } else if (row.attempts > static_cast<std::int32_t>(route_.policy.delays.size())) {
    // All its attempts are made, and of the last nobody knew the end until now.
    handler::EventFailure why;
    why.type = message::ErrorType::upstream_timeout;
    why.text = "the last of its attempts was not answered, and has had no effect";
    return attempts_.learn_call_failure(item, std::move(why), {true, false, row.attempts});
  }
  marks_[item] = mark;
}

// Which heads may be begun: not while somebody may still be at it, and so many of a group.
void CallsRun::choose(const CallsJob& job) {
  CallCounts under_way = job.under_way;
  for (const HeadRef& head : job.heads) {
    const std::size_t item = items_.at(head.number);
    const OpenRow& row = page_.rows[item];
    if (row.doubt_until > now_) {
      marks_[item] = {row.number, row.doubt_until, row.doubt_until};
      continue;
    }
    const KeyHash group = attempts_.group(item);
    std::size_t& calls = under_way[group];
    if (calls >= job.of_group_max) {
      groups_.emplace_back(row.key, group);
      continue;
    }
    ++calls;
    turns_.push_back(item);
  }
}

Status CallsRun::open_heads(LaneTransaction& transaction, const CallsJob& job,
                            Committed& committed) {
  choose(job);
  if (turns_.empty()) return {};
  std::vector<handler::Turn> turns;
  for (const std::size_t item : turns_) {
    const OpenRow& row = page_.rows[item];
    turns.push_back({page_.names[item], row.life, row.attempts + 1, row.doubt_until != 0});
  }
  auto opened = transaction.open_calls(*route_.handler->performs(), turns);
  if (!opened) return own(opened.failure());
  if (opened->events.size() != turns.size())
    return Failure(FailureKind::schema, "handler " + lane_->handler + " loses a turn");
  statistics_.counts.rows += opened->rows;
  take_told(opened->told, turns_);
  for (std::size_t i = 0; i < turns_.size(); ++i)
    take_opening(turns_[i], opened->events[i], committed);
  return {};
}

void CallsRun::take_opening(std::size_t item, handler::Opening& opening, Committed& committed) {
  const OpenRow& row = page_.rows[item];
  if (auto* call = std::get_if<handler::CallPtr>(&opening)) {
    marks_[item] = {row.number, row.due, now_ + call_length(route_)};
    committed.begun.push_back(
        {row.number, row.key, attempts_.group(item), std::move(*call), row.doubt_until != 0});
    if (row.first_failed_at != 0) statistics_.lateness.push_back(now_ - row.due);
    return;
  }
  if (std::holds_alternative<handler::AdmitFirst>(opening)) return attempts_.learn_unadmitted(item);
  opened_ended_.push_back(item);
  if (std::holds_alternative<handler::NothingToDo>(opening)) return attempts_.learn_done(item);
  attempts_.learn_call_failure(item, std::move(std::get<handler::EventFailure>(opening)),
                               {true, row.doubt_until != 0, row.attempts + 1});
}

handler::Settling CallsRun::settling(std::size_t item) const {
  const OpenRow& row = page_.rows[item];
  handler::Settling settling{page_.names[item], row.life, row.attempts, {}, {}, {}, 0};
  const auto answer = answers_.find(item);
  if (answer != answers_.end()) settling.answer = answer->second;
  switch (attempts_.fate(item)) {
    case Fate::apply:
      ++settling.attempts;
      settling.fate = handler::Settled::done;
      break;
    case Fate::die:
      ++settling.attempts;
      settling.fate = handler::Settled::died;
      settling.why = attempts_.trouble(item).why;
      break;
    case Fate::retry:
      settling.attempts += attempts_.trouble(item).charged ? 1 : 0;
      settling.fate = handler::Settled::retried;
      settling.why = attempts_.trouble(item).why;
      settling.due = attempts_.trouble(item).due;
      break;
    default:
      settling.fate = handler::Settled::withdrawn;
      settling.due = marks_.at(item).due;
      break;
  }
  return settling;
}

Status CallsRun::tell_handler(LaneTransaction& transaction, const std::vector<std::size_t>& items) {
  if (items.empty()) return {};
  std::vector<handler::Settling> settlings;
  settlings.reserve(items.size());
  for (const std::size_t item : items) settlings.push_back(settling(item));
  auto settled = transaction.settle_calls(*route_.handler->performs(), settlings);
  if (!settled) return own(settled.failure());
  statistics_.counts.rows += settled->rows;
  take_told(settled->told, items);
  return {};
}

void CallsRun::take_told(const std::vector<handler::DomainEvent>& told,
                         const std::vector<std::size_t>& items) {
  for (const handler::DomainEvent& event : told) {
    SPOOL_ASSERT(event.cause < items.size(), "a handler tells of an event that it was not given");
    const std::size_t item = items[event.cause];
    std::int32_t& nr = told_numbers_[{item, event.type}];
    tellings_.push_back({attempts_.cause(item), nr++, event.type, event.subject, event.data});
  }
}

Status CallsRun::mark(LaneTransaction& transaction, OpenBook& book, const Committed& committed) {
  for (const auto& [key, group] : groups_) book.group(key, group);
  std::vector<HeadMark> marks;
  marks.reserve(marks_.size());
  for (const auto& [item, mark] : marks_) {
    marks.push_back(mark);
    OpenRow row = page_.rows[item];
    row.due = mark.due;
    book.stay(row);
  }
  for (const BegunCall& call : committed.begun) book.run(call.key, call.group);
  return marks.empty() ? Status() : own(transaction.mark(marks));
}

void CallsRun::summarise(Settlement& settlement, const Committed& committed) {
  statistics_.failed = std::move(settlement.failed());
  statistics_.duplicate_deaths = settlement.dead_already();
  statistics_.asked = committed.begun.size();
  statistics_.counts.written = attempts_.count(Fate::apply);
  statistics_.records =
      attempts_.count(Fate::apply) + attempts_.count(Fate::retry) + attempts_.count(Fate::die);
  for (std::size_t item = 0; item < attempts_.size(); ++item) {
    const Fate fate = attempts_.fate(item);
    if (fate == Fate::apply || fate == Fate::die)
      statistics_.attempts.push_back(attempts_.attempt(item));
  }
}

}  // namespace spool::delivery
