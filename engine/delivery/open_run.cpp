#include "engine/delivery/open_run.hpp"

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/delivery/loss.hpp"
#include "engine/delivery/settlement.hpp"

namespace spool::delivery {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kAwakenMax = 1'000;

Status revive(LaneTransaction& transaction, OpenBook& book, const std::vector<FoundLetter>& letters,
              base::EpochMicros now) {
  if (letters.empty()) return {};
  std::vector<Revival> revivals;
  revivals.reserve(letters.size());
  for (const FoundLetter& letter : letters) revivals.push_back(book.revive(letter, now));
  return own(transaction.revive(revivals));
}

Status replay(LaneTransaction& transaction, OpenBook& book, const CommandTargets& targets,
              base::EpochMicros now, CommandCount& count) {
  std::vector<FoundLetter> letters;
  for (const FoundLetter& letter : targets.letters) {
    if (letter.open) {
      letters.push_back(letter);
    } else {
      ++count.skipped;
    }
  }
  count.done += static_cast<std::int64_t>(letters.size());
  return revive(transaction, book, letters, now);
}

// Discarding or erasing a letter that holds its key lets the key go on.
Status settle_letters(LaneTransaction& transaction, OpenBook& book, const Command& command,
                      const CommandTargets& targets, CommandCount& count) {
  std::vector<base::Uuid> letters;
  std::vector<std::int64_t> rows;
  for (const FoundLetter& letter : targets.letters) {
    letters.push_back(letter.id);
    if (letter.held_by < 0 || command.kind == CommandKind::restore) continue;
    OpenRow row;
    row.number = letter.held_by;
    row.key = letter.key;
    row.state = OpenState::dead;
    row.bytes = letter.bytes;
    book.leave(row);
    rows.push_back(row.number);
  }
  count.done += static_cast<std::int64_t>(letters.size());
  if (!letters.empty()) {
    if (auto done = own(transaction.settle_letters(command, letters)); !done) return done;
  }
  return rows.empty() ? Status() : own(transaction.close(rows));
}

Status hasten(LaneTransaction& transaction, OpenBook& book, const CommandTargets& targets,
              base::EpochMicros now, CommandCount& count) {
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : targets.rows) {
    const bool waits_for_time = row.state == OpenState::head || row.state == OpenState::scheduled;
    if (!waits_for_time || row.due <= now) {
      ++count.skipped;
      continue;
    }
    numbers.push_back(row.number);
    if (row.state == OpenState::scheduled) {
      book.schedule(now);
    } else {
      book.promoted(row.key, row.number, now);
    }
  }
  count.done += static_cast<std::int64_t>(numbers.size());
  return numbers.empty() ? Status() : own(transaction.hasten(numbers, now));
}

// They end without effect, which counts as applied, like everything that was swallowed.
Status cancel(LaneTransaction& transaction, OpenBook& book, const CommandTargets& targets,
              CommandCount& count) {
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : targets.rows) {
    // A dead head ends with its dead letter.
    if (row.state == OpenState::dead) continue;
    book.leave(row);
    ++book.delta.applied;
    numbers.push_back(row.number);
  }
  count.done += static_cast<std::int64_t>(numbers.size());
  return numbers.empty() ? Status() : own(transaction.close(numbers));
}

Status carry_out(LaneTransaction& transaction, OpenBook& book, const Command& command,
                 const CommandTargets& targets, base::EpochMicros now, CommandCount& count) {
  switch (command.kind) {
    case CommandKind::replay:
      return replay(transaction, book, targets, now, count);
    case CommandKind::retry_now:
      return hasten(transaction, book, targets, now, count);
    case CommandKind::cancel:
      return cancel(transaction, book, targets, count);
    case CommandKind::discard:
    case CommandKind::restore:
      return settle_letters(transaction, book, command, targets, count);
    case CommandKind::erase:
    case CommandKind::accept_loss:
      break;
  }
  SPOOL_ASSERT(command.kind == CommandKind::erase, "a loss is no matter of open events");
  if (auto done = settle_letters(transaction, book, command, targets, count); !done) return done;
  return cancel(transaction, book, targets, count);
}

// In the order of the requests, which is the one in which somebody published them; each once.
std::vector<FoundLetter> asked_for(const std::vector<ReplayRequest>& requests,
                                   const std::vector<FoundLetter>& found) {
  using Name = std::pair<std::string_view, std::string_view>;
  std::map<Name, const FoundLetter*> by_name;
  for (const FoundLetter& letter : found)
    by_name.emplace(std::pair<std::string_view, std::string_view>(letter.source, letter.event_id),
                    &letter);
  std::vector<FoundLetter> asked;
  for (const ReplayRequest& request : requests) {
    const auto known = by_name.find({request.source, request.id});
    if (known == by_name.end()) continue;
    const FoundLetter& letter = *known->second;
    if (!letter.open || letter.life != request.life) continue;
    asked.push_back(letter);
    by_name.erase(known);
  }
  return asked;
}

}  // namespace

template <typename Work>
Result<Committed> OpenRun::transact(const LaneId& lane, const Footing& footing,
                                    Durability durability, Work work) {
  auto begun = store_.begin(lane);
  if (!begun) return own(begun.failure()).failure();
  LaneTransaction& transaction = **begun;
  if (auto done = own(transaction.fence(footing.claim, nullptr)); !done) return done.failure();
  OpenBook book(footing);
  Committed committed;
  if (Status done = own(work(transaction, book, committed)); !done) return done.failure();
  committed.claim = {footing.claim.token, footing.claim.seq + 1};
  committed.suspicion = footing.suspicion;
  committed.advance = {footing.next, footing.next, -1, -1, book.delta};
  if (book.delta != Counters{}) {
    if (auto done = own(transaction.advance(committed.advance)); !done) return done.failure();
  }
  committed.open = book.change();
  if (auto done = own(transaction.commit(durability)); !done) return done.failure();
  return committed;
}

Result<Committed> OpenRun::run(const LaneId& lane, const AwakenJob& job, base::EpochMicros now) {
  const auto work = [now](LaneTransaction& transaction, OpenBook& book, Committed&) -> Status {
    auto rows = transaction.read_scheduled(now, kAwakenMax);
    if (!rows) return rows.failure();
    std::vector<Awakening> awake;
    awake.reserve(rows->size());
    for (const OpenRow& row : *rows) awake.push_back(book.awaken(row));
    if (!awake.empty()) {
      if (auto done = transaction.awaken(awake); !done) return done;
    }
    auto next = transaction.next_scheduled();
    if (!next) return next.failure();
    book.scheduled_are(*next);
    return {};
  };
  return transact(lane, job.footing, Durability::relaxed, work);
}

Result<Committed> OpenRun::run(const LaneId& lane, const CompanionsJob& job,
                               base::EpochMicros now) {
  const auto work = [&job, now](LaneTransaction& transaction, OpenBook& book,
                                Committed& committed) -> Status {
    if (!job.requests.empty()) {
      auto found = transaction.find_letters(job.requests);
      if (!found) return found.failure();
      const std::vector<FoundLetter> asked = asked_for(job.requests, *found);
      committed.revived = static_cast<std::int64_t>(asked.size());
      if (auto done = revive(transaction, book, asked, now); !done) return done;
    }
    return transaction.move_companions(job.next);
  };
  return transact(lane, job.footing, Durability::relaxed, work);
}

// Durable: an operator is told of it.
Result<Committed> OpenRun::run(const LaneId& lane, const CommandJob& job, base::EpochMicros now) {
  const auto work = [&job, now](LaneTransaction& transaction, OpenBook& book,
                                Committed& committed) -> Status {
    auto targets = transaction.targets(job.command, job.page_max);
    if (!targets) return targets.failure();
    committed.more = targets->live && targets->more;
    committed.targeted = static_cast<std::int64_t>(targets->letters.size() + targets->rows.size());
    if (!targets->live) return {};
    CommandCount& count = committed.count;
    if (auto done = carry_out(transaction, book, job.command, *targets, now, count); !done)
      return done;
    if (job.command.kind == CommandKind::replay) committed.revived = count.done;
    if (auto done = promote_next(transaction, book, now); !done) return done;
    // The command's end may be announced.
    committed.outbox_written = !targets->more;
    return transaction.finish_page(job.command, count, !targets->more);
  };
  return transact(lane, job.footing, Durability::durable, work);
}

// What the operator saw may have changed since: then nothing is given up.
Result<Committed> OpenRun::accept_loss(const LaneId& lane, const CommandJob& job,
                                       const LogBounds& bounds) {
  SPOOL_ASSERT(job.command.loss.has_value(), "a loss that nobody has named");
  const Loss loss = *job.command.loss;
  const auto work = [&](LaneTransaction& transaction, OpenBook&, Committed& committed) -> Status {
    auto targets = transaction.targets(job.command, job.page_max);
    if (!targets) return targets.failure();
    if (!targets->live) return {};
    committed.refusal = job.position_lost ? refused(loss, job.footing.next, bounds).value_or("")
                                          : "the position is not lost";
    committed.moved = committed.refusal.empty();
    ++(committed.moved ? committed.count.done : committed.count.skipped);
    if (committed.moved) {
      const auto lost = lost_offsets(loss);
      auto moved = goes_forward(loss)
                       ? transaction.advance({loss.from, loss.to, -1, -1, {.lost = lost}})
                       : transaction.restart(loss.from, loss.to);
      if (!moved) return moved;
    }
    return transaction.finish_page(job.command, committed.count, true);
  };
  return transact(lane, job.footing, Durability::durable, work);
}

}  // namespace spool::delivery
