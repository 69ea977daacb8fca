// The part of a batch's transaction that asks and tries: requests for replays, the inbox, the
// handler, and the search for the event that the database refuses.
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/delivery/batch_run.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using base::Status;

constexpr std::size_t kReasonBytesMax = 500;
constexpr std::size_t kAwakenMax = 1'000;

void add(handler::ApplyCounts& sum, const handler::ApplyCounts& part) {
  sum.written += part.written;
  sum.coalesced += part.coalesced;
  sum.stale += part.stale;
  sum.duplicate += part.duplicate;
  sum.rows += part.rows;
}

}  // namespace

Failure BatchRun::another_round() {
  return {FailureKind::stopped, "what was learned calls for another round"};
}

Status BatchRun::answer_requests(LaneTransaction& transaction) {
  if (!attempts_.has(Fate::request)) return {};
  std::vector<ReplayRequest> requests;
  std::vector<std::size_t> items;
  for (std::size_t item = 0; item < attempts_.size(); ++item) {
    if (attempts_.fate(item) != Fate::request) continue;
    Attempts::Named named = attempts_.name(item);
    requests.push_back(
        {std::move(named.source), std::move(named.id), *asked_life(attempts_.record(item))});
    items.push_back(item);
  }
  auto found = transaction.find_letters(requests);
  if (!found) return own(found.failure());
  using Name = std::pair<std::string_view, std::string_view>;
  std::map<Name, const FoundLetter*> by_name;
  for (const FoundLetter& letter : *found)
    by_name.emplace(std::pair<std::string_view, std::string_view>(letter.source, letter.event_id),
                    &letter);
  std::set<base::Uuid> asked;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto known = by_name.find({requests[i].source, requests[i].id});
    if (known == by_name.end()) {
      attempts_.learn_ordinary(items[i]);
      continue;
    }
    attempts_.learn_duplicate(items[i]);
    const FoundLetter& letter = *known->second;
    const bool now_asked = letter.open && letter.life == requests[i].life;
    if (now_asked && asked.insert(letter.id).second) asked_for_.push_back(letter);
  }
  again_ = true;
  return another_round();
}

Status BatchRun::ask_inbox(LaneTransaction& transaction) {
  if (attempts_.inbox_items().empty()) return {};
  auto seen = transaction.seen(attempts_.inbox_identities());
  if (!seen) return own(seen.failure());
  std::set<message::Identity> here;
  for (std::size_t i = 0; i < seen->size(); ++i) {
    const bool first = here.insert(attempts_.inbox_identities()[i]).second;
    if (first && !(*seen)[i]) continue;
    attempts_.learn_duplicate(attempts_.inbox_items()[i]);
    again_ = true;
  }
  return again_ ? Status(another_round()) : Status();
}

Status BatchRun::apply(LaneTransaction& transaction, const Footing& footing, Care care) {
  const std::size_t staged = attempts_.staged().size();
  statistics_.asked = std::max(statistics_.asked, staged);
  if (staged == 0) return {};
  if (care == Care::searching) return search(transaction, 0, staged);
  if (footing.blame_slow) {
    if (auto done = own(transaction.allow(route_.timeout)); !done) return done;
  }
  auto applied = transaction.apply(attempts_.batch(), 0, staged);
  if (applied) return take_in(*applied);
  const bool alone = staged == 1 && footing.blame_slow;
  if (!alone || applied.failure().kind != FailureKind::slow) return applied.failure();
  blame(0, applied.failure());
  again_ = true;  // the transaction is of no use any more
  return another_round();
}

Status BatchRun::take_in(const handler::ApplyCounts& applied) {
  add(statistics_.counts, applied);
  const auto& staged = attempts_.staged();
  const auto stranger = [this](const char* what) {
    return Failure(FailureKind::schema,
                   "handler " + lane_->handler + what + " of an event that it was not given");
  };
  std::map<std::pair<std::size_t, std::string_view>, std::int32_t> numbers;
  for (const handler::DomainEvent& told : applied.told) {
    if (told.cause >= staged.size()) return stranger(" tells");
    std::int32_t& nr = numbers[{told.cause, told.type}];
    tellings_.push_back(
        {attempts_.cause(staged[told.cause]), nr++, told.type, told.subject, told.data});
  }
  for (const handler::EventFailure& failure : applied.failed) {
    if (failure.event >= staged.size()) return stranger(" reports the failure");
    again_ |= attempts_.learn_failure(staged[failure.event], failure);
  }
  return {};
}

// In the order of the events: the first half is applied before the second is tried.
Status BatchRun::search(LaneTransaction& transaction, std::size_t first, std::size_t last) {
  if (auto saved = own(transaction.savepoint()); !saved) return saved;
  auto applied = transaction.apply(attempts_.batch(), first, last);
  if (applied) {
    if (auto done = take_in(*applied); !done) return done;
    return own(transaction.release_savepoint());
  }
  if (applied.failure().kind != FailureKind::bad_data) return applied.failure();
  if (auto back = own(transaction.rollback_to_savepoint()); !back) return back;
  if (last - first == 1) {
    blame(first, applied.failure());
    return {};
  }
  const std::size_t middle = first + (last - first) / 2;
  if (auto half = search(transaction, first, middle); !half) return half;
  return search(transaction, middle, last);
}

void BatchRun::blame(std::size_t staged, const Failure& failure) {
  handler::EventFailure event;
  event.type = failure.sqlstate == kHandlerThrew   ? message::ErrorType::handler_bug
               : failure.kind == FailureKind::slow ? message::ErrorType::handler_timeout
                                                   : message::ErrorType::db_constraint;
  event.text = base::printable(failure.text, kReasonBytesMax);
  again_ |= attempts_.learn_failure(attempts_.staged()[staged], std::move(event));
}

// A handler that loses an event must not take the position past it.
Status BatchRun::check_counts() const {
  const handler::ApplyCounts& counts = statistics_.counts;
  const std::int64_t accounted =
      counts.written + counts.coalesced + counts.stale + counts.duplicate;
  if (accounted == attempts_.count(Fate::apply)) return {};
  return Failure(FailureKind::schema, "handler " + lane_->handler + " accounts for " +
                                          std::to_string(accounted) + " of " +
                                          std::to_string(attempts_.count(Fate::apply)) + " events");
}

// Scheduled events whose time has come, on their way into the order of their keys.
base::Result<OpenPage> BatchRun::read_due(LaneTransaction& transaction) {
  auto rows = transaction.read_scheduled(now_, kAwakenMax);
  if (!rows) return rows.failure();
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : *rows) numbers.push_back(row.number);
  if (numbers.empty()) return OpenPage{};
  return transaction.read_rows(numbers);
}

Status BatchRun::take_verdicts(LaneTransaction& transaction, const Footing& footing,
                               Settlement& settlement) {
  const auto& swallowed = attempts_.admissions()->swallowed();
  attempts_.take_verdicts();
  if (swallowed.empty()) return {};
  auto rows = transaction.find_open(swallowed);
  if (!rows) return own(rows.failure());
  for (const OpenRow& row : *rows) {
    const Held* held = footing.held->find(row.key);
    const bool runs = held != nullptr && held->running && held->head == row.number;
    if (!runs && row.state != OpenState::dead) continue;
    return Failure(FailureKind::schema,
                   "handler " + lane_->handler + " swallows an event that has begun or died");
  }
  settlement.swallow(*rows);
  return {};
}

}  // namespace spool::delivery
