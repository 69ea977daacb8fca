// What becomes known of events while they are tried: failures, duplicates, verdicts of admission.
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/attempts.hpp"

namespace spool::delivery {
namespace {

constexpr std::size_t kReasonBytesMax = 500;

}  // namespace

void Attempts::condemn(std::size_t item) {
  handler::EventFailure failure;
  failure.type = message::ErrorType::handler_crash;
  failure.text =
      "the process ended each time this event ran alone, " + std::to_string(kEndsToDie) + " times";
  Trouble trouble;
  const Fate fate = dispose(item, std::move(failure), trouble);
  known_.insert_or_assign(item, Known{fate, std::move(trouble)});
}

FailedAttempt Attempts::failed_attempt(std::size_t item,
                                       const handler::EventFailure& failure) const {
  const OpenRow* open = row(item);
  const base::EpochMicros first = open == nullptr ? 0 : open->first_failed_at;
  FailedAttempt made;
  made.type = failure.type;
  made.attempt = attempt(item);
  made.now = now_;
  made.first_failed_at = first == 0 ? now_ : first;
  made.not_before = failure.not_before;
  made.dice = dice_of(record(item), attempt(item));
  return made;
}

Fate Attempts::follow(const Disposition& disposition, Trouble& trouble) const {
  const auto* again = std::get_if<RetryAt>(&disposition);
  if (again == nullptr) return Fate::die;
  trouble.due = again->due;
  trouble.rung = again->rung;
  trouble.charged = again->charged;
  return Fate::retry;
}

Fate Attempts::dispose(std::size_t item, handler::EventFailure failure, Trouble& trouble) {
  const FailedAttempt made = failed_attempt(item, failure);
  trouble.why = {failure.type, {}, base::printable(failure.text, kReasonBytesMax)};
  trouble.dependency = std::move(failure.dependency);
  // Admission needs nothing but the database: what it refuses once it refuses always.
  if (admissions_ != nullptr) return Fate::die;
  return follow(delivery::decide(route_.policy, made), trouble);
}

void Attempts::learn_duplicate(std::size_t item) {
  known_.insert_or_assign(item, Known{Fate::duplicate, {}});
}

void Attempts::learn_ordinary(std::size_t item) {
  known_.insert_or_assign(item, Known{Fate::apply, {}});
}

bool Attempts::learn_failure(std::size_t item, handler::EventFailure failure) {
  Trouble trouble;
  const Fate fate = dispose(item, std::move(failure), trouble);
  known_.insert_or_assign(item, Known{fate, trouble});
  troubles_.insert_or_assign(item, std::move(trouble));
  set_fate(item, fate);
  if (fate == Fate::die && count(Fate::die) > footing_->deaths_max) return true;
  if (!fits(item, fate)) return true;
  if (!holds_key(item)) return false;
  const KeyHash hash = key(item);
  for (std::size_t other = item + 1; other < fates_.size(); ++other) {
    const Fate later = fates_[other];
    const bool acts = later == Fate::apply || later == Fate::schedule || later == Fate::retry ||
                      later == Fate::die;
    if (acts && key(other) == hash) return true;
  }
  return false;
}

void Attempts::learn_unadmitted(std::size_t item) {
  Trouble trouble{};
  trouble.due = now_;
  known_.insert_or_assign(item, Known{Fate::schedule, std::move(trouble)});
}

// Nobody dies in doubt, and nobody dies of what does not count: it is asked about, or tried, again.
void Attempts::learn_call_failure(std::size_t item, handler::EventFailure failure,
                                  const CallEnding& ending) {
  FailedAttempt made = failed_attempt(item, failure);
  made.attempt = ending.attempt;
  Trouble trouble;
  trouble.why = {failure.type, {}, base::printable(failure.text, kReasonBytesMax)};
  trouble.dependency = std::move(failure.dependency);
  Disposition disposition = delivery::decide(route_.policy, made);
  const Die* die = std::get_if<Die>(&disposition);
  if (die != nullptr && (ending.in_doubt || (die->exhausted && !ending.charged))) {
    const base::EpochMicros longest =
        std::chrono::duration_cast<std::chrono::microseconds>(route_.policy.delays.back()).count();
    disposition = RetryAt{now_ + longest, retry_topics(route_.topic, route_.policy).size() - 1,
                          ending.charged};
  }
  const Fate fate = follow(disposition, trouble);
  trouble.charged = trouble.charged && ending.charged;
  trouble.in_doubt = ending.in_doubt;
  known_.insert_or_assign(item, Known{fate, std::move(trouble)});
}

void Attempts::take_verdicts() {
  SPOOL_ASSERT(admissions_ != nullptr, "verdicts of a handler that admits nobody");
  for (std::size_t nr = 0; nr < staged_.size(); ++nr) {
    const std::size_t item = staged_[nr];
    if (fates_[item] != Fate::apply) continue;  // it failed
    const handler::Admission& verdict = admissions_->verdict(nr);
    if (verdict.kind == handler::Admission::Kind::ended) continue;
    if (verdict.kind == handler::Admission::Kind::duplicate) {
      set_fate(item, Fate::duplicate);
      continue;
    }
    const auto kafka_key = record(item).key;
    if (kafka_key) admitted_keys_[item] = hash_finer_key(*kafka_key, verdict.order_key);
    admitted_priorities_[item] = verdict.priority;
    const bool later = verdict.due > now_;
    if (later) troubles_[item].due = verdict.due;
    set_fate(item, later ? Fate::schedule : Fate::hold);
  }
}

}  // namespace spool::delivery
