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

// One command's page, or one batch of requests, in its transaction.
struct Page {
  LaneTransaction& transaction;
  OpenBook& book;
  const Route& route;
  base::EpochMicros now;
};

Status revive(const Page& page, const std::vector<FoundLetter>& letters) {
  if (letters.empty()) return {};
  const bool to_admit = page.route.handler->performs() != nullptr;
  std::vector<Revival> revivals;
  revivals.reserve(letters.size());
  for (const FoundLetter& letter : letters)
    revivals.push_back(page.book.revive(letter, page.now, to_admit));
  return own(page.transaction.revive(revivals));
}

Status replay(const Page& page, const CommandTargets& targets, CommandCount& count) {
  std::vector<FoundLetter> letters;
  for (const FoundLetter& letter : targets.letters) {
    if (letter.open) {
      letters.push_back(letter);
    } else {
      ++count.skipped;
    }
  }
  count.done += static_cast<std::int64_t>(letters.size());
  return revive(page, letters);
}

// A handler that performs keeps rows of its own for what waits.
Status tell_handler(const Page& page, std::span<const std::int64_t> numbers, handler::Settled fate,
                    std::int16_t priority = handler::kPriorityDefault) {
  const handler::PerformThenSettle* way = page.route.handler->performs();
  if (way == nullptr || numbers.empty()) return {};
  auto rows = page.transaction.read_rows(numbers);
  if (!rows) return own(rows.failure());
  std::vector<handler::Settling> settlings;
  for (std::size_t i = 0; i < rows->rows.size(); ++i) {
    const OpenRow& row = rows->rows[i];
    settlings.push_back({rows->names[i], row.life, row.attempts, fate, {}, {}, page.now, priority});
  }
  auto settled = page.transaction.settle_calls(*way, settlings);
  return settled ? Status() : own(settled.failure());
}

// Discarding or erasing a letter that holds its key lets the key go on.
Status settle_letters(const Page& page, const Command& command, const CommandTargets& targets,
                      CommandCount& count) {
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
    page.book.leave(row);
    rows.push_back(row.number);
  }
  count.done += static_cast<std::int64_t>(letters.size());
  if (!letters.empty()) {
    if (auto done = own(page.transaction.settle_letters(command, letters)); !done) return done;
  }
  return rows.empty() ? Status() : own(page.transaction.close(rows));
}

Status hasten(const Page& page, const CommandTargets& targets, CommandCount& count) {
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : targets.rows) {
    const bool waits_for_time = row.state == OpenState::head || row.state == OpenState::scheduled;
    if (!waits_for_time || row.doubt_until != 0 || row.due <= page.now) {
      ++count.skipped;
      continue;
    }
    numbers.push_back(row.number);
    if (row.state == OpenState::scheduled) {
      page.book.schedule(page.now);
    } else {
      page.book.promoted(row.key, {row.number, row.priority}, page.now);
    }
  }
  count.done += static_cast<std::int64_t>(numbers.size());
  if (numbers.empty()) return {};
  if (auto done = tell_handler(page, numbers, handler::Settled::hastened); !done) return done;
  return own(page.transaction.hasten(numbers, page.now));
}

// What has begun has gone already.
Status prioritize(const Page& page, std::int16_t priority, const CommandTargets& targets,
                  CommandCount& count) {
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : targets.rows) {
    if (row.doubt_until != 0) {
      ++count.skipped;
      continue;
    }
    numbers.push_back(row.number);
    if (row.state == OpenState::head) page.book.prioritize(row.key, priority);
  }
  count.done += static_cast<std::int64_t>(numbers.size());
  if (numbers.empty()) return {};
  if (auto done = tell_handler(page, numbers, handler::Settled::prioritized, priority); !done)
    return done;
  return own(page.transaction.prioritize(numbers, priority));
}

// They end without effect, which counts as applied, like everything that was swallowed. What has
// begun is not ours to take back.
Status cancel(const Page& page, const CommandTargets& targets, CommandCount& count) {
  std::vector<std::int64_t> numbers;
  for (const OpenRow& row : targets.rows) {
    // A dead head ends with its dead letter.
    if (row.state == OpenState::dead) continue;
    if (row.doubt_until != 0) {
      ++count.skipped;
      continue;
    }
    page.book.leave(row);
    ++page.book.delta.applied;
    numbers.push_back(row.number);
  }
  count.done += static_cast<std::int64_t>(numbers.size());
  if (numbers.empty()) return {};
  if (auto done = tell_handler(page, numbers, handler::Settled::cancelled); !done) return done;
  return own(page.transaction.close(numbers));
}

Status carry_out(const Page& page, const Command& command, const CommandTargets& targets,
                 CommandCount& count) {
  switch (command.kind) {
    case CommandKind::replay:
      return replay(page, targets, count);
    case CommandKind::retry_now:
      return hasten(page, targets, count);
    case CommandKind::cancel:
      return cancel(page, targets, count);
    case CommandKind::prioritize:
      return prioritize(page, command.priority, targets, count);
    case CommandKind::discard:
    case CommandKind::restore:
      return settle_letters(page, command, targets, count);
    case CommandKind::erase:
    case CommandKind::accept_loss:
      break;
  }
  SPOOL_ASSERT(command.kind == CommandKind::erase, "a loss is no matter of open events");
  if (auto done = settle_letters(page, command, targets, count); !done) return done;
  return cancel(page, targets, count);
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

Result<Committed> OpenRun::run(const LaneId& lane, const CompanionsJob& job, const Route& route,
                               base::EpochMicros now) {
  const auto work = [&job, &route, now](LaneTransaction& transaction, OpenBook& book,
                                        Committed& committed) -> Status {
    if (!job.requests.empty()) {
      auto found = transaction.find_letters(job.requests);
      if (!found) return found.failure();
      const std::vector<FoundLetter> asked = asked_for(job.requests, *found);
      committed.revived = static_cast<std::int64_t>(asked.size());
      if (auto done = revive({transaction, book, route, now}, asked); !done) return done;
    }
    return transaction.move_companions(job.next);
  };
  return transact(lane, job.footing, Durability::relaxed, work);
}

// Durable: an operator is told of it.
Result<Committed> OpenRun::run(const LaneId& lane, const CommandJob& job, const Route& route,
                               base::EpochMicros now) {
  const auto work = [&job, &route, now](LaneTransaction& transaction, OpenBook& book,
                                        Committed& committed) -> Status {
    auto targets = transaction.targets(job.command, job.page_max);
    if (!targets) return targets.failure();
    committed.more = targets->live && targets->more;
    committed.targeted = static_cast<std::int64_t>(targets->letters.size() + targets->rows.size());
    if (!targets->live) return {};
    CommandCount& count = committed.count;
    const Page page{transaction, book, route, now};
    if (auto done = carry_out(page, job.command, *targets, count); !done) return done;
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
