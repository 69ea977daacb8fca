#include "engine/delivery/settlement.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"

namespace spool::delivery {

using base::Failure;
using base::FailureKind;
using base::Status;

namespace {

constexpr std::size_t kTraceBytesMax = 64;

}  // namespace

Status own(Status status) {
  if (status || status.failure().kind != FailureKind::bad_data) return status;
  return Failure(FailureKind::schema, status.failure().text, status.failure().sqlstate);
}

Status promote_next(LaneTransaction& transaction, OpenBook& book, base::EpochMicros now) {
  const std::vector<KeyHash> keys = book.headless();
  if (keys.empty()) return {};
  auto heads = transaction.promote(keys, now);
  if (!heads) return own(heads.failure());
  SPOOL_ASSERT(heads->size() == keys.size(), "a held key without rows");
  for (std::size_t i = 0; i < keys.size(); ++i) book.promoted(keys[i], (*heads)[i], now);
  return {};
}

Status Settlement::settle(LaneTransaction& transaction) {
  for (std::size_t item = 0; item < attempts_.size(); ++item) sort_out(item);
  if (auto done = bury(transaction); !done) return done;
  if (auto done = write_open(transaction); !done) return done;
  if (auto done = promote_next(transaction, book_, now_); !done) return done;
  return remember(transaction);
}

void Settlement::sort_out(std::size_t item) {
  const OpenRow* row = attempts_.row(item);
  switch (attempts_.fate(item)) {
    case Fate::apply:
      ++book_.delta.applied;
      break;
    case Fate::duplicate:
      ++book_.delta.duplicate;
      break;
    case Fate::park:
      return open(item, OpenState::parked, 0);
    case Fate::schedule:
      return schedule(item);
    case Fate::hold:
      return hold(item);
    case Fate::retry:
      return fail(item);
    case Fate::die:
      return die(item);
    case Fate::wait:
      return;
    case Fate::request:
      SPOOL_ASSERT(false, "a request that was not answered");
  }
  if (row == nullptr) return;
  book_.leave(*row);
  closed_.push_back(row->number);
}

void Settlement::schedule(std::size_t item) {
  const base::EpochMicros due = attempts_.trouble(item).due;
  const OpenRow* row = attempts_.row(item);
  if (row == nullptr) return open(item, OpenState::scheduled, due);
  // It waited behind its key, and for its time it need not: it holds nobody.
  book_.leave(*row);
  OpenRow waiting = *row;
  waiting.number = book_.take_number();
  waiting.key = attempts_.key(item);
  waiting.state = OpenState::scheduled;
  waiting.due = due;
  book_.join(waiting);
  postponed_.push_back({row->number, waiting.number, due, waiting.key});
}

void Settlement::swallow(std::span<const OpenRow> rows) {
  for (const OpenRow& row : rows) {
    book_.leave(row);
    ++book_.delta.applied;
    closed_.push_back(row.number);
  }
}

// Admitted: it waits for its turn, which may have come.
void Settlement::hold(std::size_t item) {
  const KeyHash key = attempts_.key(item);
  const OpenRow* row = attempts_.row(item);
  if (row == nullptr) {
    const bool behind = book_.held(key) != nullptr;
    return open(item, behind ? OpenState::parked : OpenState::head, behind ? 0 : now_);
  }
  OpenRow awake = *row;
  awake.key = key;
  awake.group = attempts_.group(item);
  awake.priority = attempts_.priority(item);
  awakened_.push_back(book_.awaken(awake));
}

OpenRow Settlement::row_of(std::size_t item, OpenState state) {
  OpenRow row;
  row.number = book_.take_number();
  row.key = attempts_.key(item);
  row.state = state;
  row.bytes = held_bytes(attempts_.record(item));
  row.priority = attempts_.priority(item);
  if (route_.handler->performs() != nullptr) {
    row.group = attempts_.group(item);
    row.doubt_until = attempts_.doubt_until(item);
  }
  if (const OpenRow* known = attempts_.row(item)) {
    row.life = known->life;
    row.attempts = known->attempts;
    row.first_failed_at = known->first_failed_at;
  }
  return row;
}

void Settlement::open(std::size_t item, OpenState state, base::EpochMicros due) {
  Attempts::Named named = attempts_.name(item);
  OpenRow row = row_of(item, state);
  row.due = due;
  book_.join(row);
  opened_.push_back({row, std::move(named.source), std::move(named.id), std::move(named.type),
                     attempts_.record(item), std::nullopt});
}

void Settlement::report(std::size_t item, const Attempts::Named& named, base::EpochMicros due) {
  const message::Record record = attempts_.record(item);
  const Trouble& trouble = attempts_.trouble(item);
  const auto trace = record.header("ce_traceparent");
  failed_.push_back({trouble.why.type, named.source, named.id, trouble.why.message(), record.offset,
                     base::printable(trace.value_or(""), kTraceBytesMax), attempts_.life(item),
                     attempts_.attempt(item), due});
}

void Settlement::fail(std::size_t item) {
  const Trouble& trouble = attempts_.trouble(item);
  Attempts::Named named = attempts_.name(item);
  report(item, named, trouble.due);
  const OpenRow* known = attempts_.row(item);
  OpenRow row = known == nullptr ? row_of(item, OpenState::head) : *known;
  row.state = OpenState::head;
  row.due = trouble.due;
  row.attempts = attempts_.attempt(item) - (trouble.charged ? 0 : 1);
  // What was sent may still be carried out for as long as its marker says.
  row.doubt_until = trouble.in_doubt ? std::max(now_, row.doubt_until) : 0;
  if (row.first_failed_at == 0) row.first_failed_at = now_;
  FailedOnce failed{trouble.why, trouble.rung};
  if (known == nullptr) {
    book_.join(row);
    opened_.push_back({row, std::move(named.source), std::move(named.id), std::move(named.type),
                       attempts_.record(item), std::move(failed)});
  } else {
    book_.stay(row);
    rescheduled_.push_back({row, std::move(named.source), std::move(named.id),
                            attempts_.record(item), std::move(failed)});
  }
  outbox_written_ = true;
}

void Settlement::die(std::size_t item) {
  const Trouble& trouble = attempts_.trouble(item);
  Attempts::Named named = attempts_.name(item);
  report(item, named, 0);
  const OpenRow* known = attempts_.row(item);
  DeadLetter letter{std::move(named.source),
                    std::move(named.id),
                    std::move(named.type),
                    attempts_.record(item),
                    trouble.why,
                    attempts_.key(item),
                    attempts_.life(item),
                    attempts_.attempt(item),
                    known == nullptr ? 0 : known->first_failed_at,
                    known == nullptr ? -1 : known->number};
  // It keeps its place in the order, should it go on holding its key.
  OpenRow row = known != nullptr          ? *known
                : route_.hold_after_death ? row_of(item, OpenState::dead)
                                          : OpenRow{};
  row.life = letter.life;
  row.attempts = letter.attempts;
  letters_.push_back(std::move(letter));
  letter_items_.push_back(item);
  letter_rows_.push_back(row);
}

Status Settlement::bury(LaneTransaction& transaction) {
  if (letters_.empty()) return {};
  auto fresh = transaction.bury(letters_);
  if (!fresh) return own(fresh.failure());
  SPOOL_ASSERT(fresh->size() == letters_.size(), "each letter has its answer");
  for (std::size_t i = 0; i < letters_.size(); ++i) buried(i, (*fresh)[i]);
  return {};
}

// A copy of what is dead already is a duplicate: it holds nobody.
void Settlement::buried(std::size_t letter, bool fresh) {
  const bool from_log = letters_[letter].open_number < 0;
  ++(fresh ? book_.delta.dead : book_.delta.duplicate);
  ++(fresh ? newly_dead_ : dead_already_);
  outbox_written_ |= fresh;
  if (fresh) {
    tellings_.push_back(
        death_told(letters_[letter], attempts_.cause(letter_items_[letter]), lane_, route_));
  }
  OpenRow row = letter_rows_[letter];
  // What was not admitted yet holds no key.
  const bool has_key = from_log || row.state != OpenState::scheduled;
  if (fresh && route_.hold_after_death && has_key) {
    row.state = OpenState::dead;
    row.due = 0;
    if (from_log) {
      book_.join(row, false);
      const DeadLetter& dead = letters_[letter];
      opened_.push_back({row, dead.source, dead.id, dead.type, dead.record, std::nullopt});
    } else {
      book_.stay(row);
      blocked_.push_back(row.number);
    }
  } else if (!from_log) {
    book_.leave(row);
    closed_.push_back(row.number);
  }
}

Status Settlement::write_open(LaneTransaction& transaction) {
  if (!opened_.empty()) {
    if (auto done = own(transaction.open(opened_)); !done) return done;
  }
  if (!rescheduled_.empty()) {
    if (auto done = own(transaction.reschedule(rescheduled_)); !done) return done;
  }
  if (!postponed_.empty()) {
    if (auto done = own(transaction.postpone(postponed_)); !done) return done;
  }
  if (!awakened_.empty()) {
    if (auto done = own(transaction.awaken(awakened_)); !done) return done;
  }
  if (!blocked_.empty()) {
    if (auto done = own(transaction.block(blocked_)); !done) return done;
  }
  if (!closed_.empty()) {
    if (auto done = own(transaction.close(closed_)); !done) return done;
  }
  return {};
}

// Also what ended dead: a copy that waited behind it must not come to life with its replay.
Status Settlement::remember(LaneTransaction& transaction) {
  if (route_.handler->spec.idempotence != handler::Idempotence::inbox) return {};
  std::vector<message::Identity> ended;
  const auto& items = attempts_.inbox_items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (attempts_.fate(items[i]) == Fate::apply) ended.push_back(attempts_.inbox_identities()[i]);
  }
  for (const DeadLetter& letter : letters_) {
    if (letter.life == 0) ended.push_back({letter.source, letter.id});
  }
  if (ended.empty()) return {};
  return own(transaction.remember(ended));
}

}  // namespace spool::delivery
