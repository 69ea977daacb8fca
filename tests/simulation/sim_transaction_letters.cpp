// The inbox, dead letters, and what operators ask.
#include <algorithm>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/dead_letter.hpp"
#include "tests/simulation/sim_transaction.hpp"

namespace spool::simulation {

using base::Result;
using base::Status;
using delivery::CommandKind;
using delivery::FoundLetter;
using delivery::OpenState;

Result<std::vector<bool>> SimTransaction::seen(std::span<const message::Identity> events) {
  if (auto failure = trouble(true)) return *failure;
  std::vector<bool> seen;
  for (const message::Identity& event : events)
    seen.push_back(tables().inbox.contains(event) && !faults_.planted(Plant::inbox_empty));
  return seen;
}

Status SimTransaction::remember(std::span<const message::Identity> events) {
  if (auto failure = trouble(true)) return *failure;
  for (const message::Identity& event : events) {
    if (buried_.contains(event) && faults_.planted(Plant::inbox_forgets_the_dead)) continue;
    if (!tables().inbox.insert(event).second) continue;
    database_.on_undo(
        [lane = lane_, event](SimDatabase& back) { back.tables(lane).inbox.erase(event); });
  }
  return {};
}

void SimTransaction::announce_death(const delivery::DeadLetter& letter) {
  const std::string topic = SimBroker::topic(lane_.handler);
  delivery::Sender sender;
  sender.handler = lane_.handler;
  sender.topic = topic;
  sender.partition = lane_.partition;
  sender.now = database_.time;
  OutboxEntry entry;
  entry.letter = Letter{{letter.source, letter.id}, letter.life};
  const Kept record = Kept::of(letter.record);
  entry.row.topic = SimBroker::dead_letter_topic(lane_.handler);
  entry.row.key = record.key;
  entry.row.value = record.value;
  entry.row.headers = delivery::dead_letter_headers(letter, sender);
  std::erase_if(entry.row.headers, [](const auto& h) { return h.first.starts_with("sim-"); });
  entry.row.headers.emplace_back("sim-source", letter.source);
  entry.row.headers.emplace_back("sim-id", letter.id);
  if (faults_.planted(Plant::publish_early)) broker_.publish(lane_, entry.row);
  leaves_ = true;
  database_.add_outbox(lane_, std::move(entry));
}

Status SimTransaction::tell(std::span<const delivery::Telling> tellings) {
  if (auto failure = trouble(true)) return *failure;
  for (const delivery::Telling& telling : tellings) {
    const delivery::Cause& cause = telling.cause;
    OutboxEntry entry;
    entry.letter = Letter{cause.identity, cause.life};
    entry.row.topic = kEventsTopic;
    entry.row.key = cause.key;
    entry.row.value = telling.data;
    entry.row.headers = delivery::telling_headers(telling, lane_.handler, database_.time);
    entry.row.headers.emplace_back("sim-source", cause.identity.source);
    entry.row.headers.emplace_back("sim-id", cause.identity.id);
    entry.row.headers.emplace_back("spool-life", std::to_string(cause.life));
    leaves_ = true;
    database_.add_outbox(lane_, std::move(entry));
  }
  return {};
}

bool SimTransaction::bury_one(const delivery::DeadLetter& letter) {
  const message::Identity identity{letter.source, letter.id};
  const auto known = tables().dead.find(identity);
  const bool fresh = known == tables().dead.end() || known->second.life < letter.life ||
                     faults_.planted(Plant::bury_not_unique);
  Deed deed;
  deed.kind = fresh ? Deed::Kind::died : Deed::Kind::died_again;
  deed.serial = serial_of(letter.record);
  deed.identity = identity;
  deed.life = letter.life;
  deed.attempt = letter.attempts;
  deed.type = letter.why.type;
  deed.number = letter.open_number;
  database_.add_deed(lane_, deed);
  buried_.insert(identity);
  if (!fresh) return false;
  database_.keep_dead(lane_, identity);
  DeadRow& row = tables().dead[identity];
  row.id = base::name_uuid(lane_.handler, letter.source, letter.id);
  row.serial = deed.serial;
  row.type = letter.why.type;
  row.life = letter.life;
  row.state = LetterState::open;
  row.key = letter.key;
  row.record = Kept::of(letter.record);
  row.transaction = number_;
  announce_death(letter);
  return true;
}

Result<std::vector<bool>> SimTransaction::bury(std::span<const delivery::DeadLetter> letters) {
  if (auto failure = trouble(true)) return *failure;
  std::vector<bool> fresh;
  for (const delivery::DeadLetter& letter : letters) fresh.push_back(bury_one(letter));
  return fresh;
}

FoundLetter SimTransaction::found(const message::Identity& identity, const DeadRow& row) {
  FoundLetter letter;
  letter.id = row.id;
  letter.source = identity.source;
  letter.event_id = identity.id;
  letter.key = row.key;
  letter.life = row.life;
  letter.open = row.state == LetterState::open || (faults_.planted(Plant::replays_the_replayed) &&
                                                   row.state == LetterState::replaying);
  message::RecordBatch batch;
  row.record.append_to(batch);
  letter.bytes = delivery::held_bytes(batch.record(0));
  for (const auto& [number, kept] : tables().open) {
    if (kept.row.state == OpenState::dead && kept.identity == identity) letter.held_by = number;
  }
  return letter;
}

Result<std::vector<FoundLetter>> SimTransaction::find_letters(
    std::span<const delivery::ReplayRequest> requests) {
  if (auto failure = trouble(true)) return *failure;
  std::vector<FoundLetter> letters;
  std::set<message::Identity> asked;
  for (const delivery::ReplayRequest& request : requests) {
    const message::Identity identity{request.source, request.id};
    const auto row = tables().dead.find(identity);
    if (row == tables().dead.end() || !asked.insert(identity).second) continue;
    letters.push_back(found(identity, row->second));
    if (faults_.planted(Plant::life_unchecked)) letters.back().life = request.life;
  }
  return letters;
}

DeadRow* SimTransaction::letter_of(const base::Uuid& id, message::Identity& identity) {
  for (auto& [name, row] : tables().dead) {
    if (row.id != id) continue;
    identity = name;
    return &row;
  }
  throw Violation("a dead letter that there is none of");
}

Status SimTransaction::revive(std::span<const delivery::Revival> revivals) {
  if (auto failure = trouble(true)) return *failure;
  revived_ += static_cast<std::int64_t>(revivals.size());
  for (const delivery::Revival& revival : revivals) {
    message::Identity identity;
    DeadRow& letter = *letter_of(revival.letter, identity);
    database_.keep_dead(lane_, identity);
    letter.state = LetterState::replaying;
    OpenKept kept;
    kept.identity = identity;
    kept.serial = letter.serial;
    kept.record = letter.record;
    kept.transaction = number_;
    kept.row.number = revival.number;
    kept.row.key = letter.key;
    kept.row.state = revival.state;
    kept.row.due = revival.due;
    kept.row.life = letter.life + 1;
    if (letter.record.offset < tables().row->doubt_below)
      kept.row.doubt_until = tables().row->doubt_until;
    message::RecordBatch batch;
    letter.record.append_to(batch);
    kept.row.bytes = delivery::held_bytes(batch.record(0));
    if (revival.in_place && faults_.planted(Plant::replay_goes_behind)) {
      database_.keep_open(lane_, revival.number);
      tables().open.erase(revival.number);
      kept.row.number = tables().open.empty() ? revival.number : tables().open.rbegin()->first + 1;
    }
    Deed deed;
    deed.kind = Deed::Kind::revived;
    deed.serial = kept.serial;
    deed.identity = identity;
    deed.life = kept.row.life;
    deed.number = revival.number;
    deed.in_place = revival.in_place;
    database_.add_deed(lane_, std::move(deed));
    database_.keep_open(lane_, kept.row.number);
    tables().open.insert_or_assign(kept.row.number, std::move(kept));
  }
  return {};
}

// Which letters a command is about: those that it can change, and for a replay all of them, because
// what somebody else has replayed is counted.
void SimTransaction::page_letters(const CommandRow& row, const CommandRow::Progress& from,
                                  std::size_t page_max, delivery::CommandTargets& page) {
  std::map<std::pair<std::int64_t, message::Identity>, const DeadRow*> letters;
  for (const auto& [identity, letter] : tables().dead) {
    const std::pair at{letter.record.offset, identity};
    const bool before = at <= std::pair{from.letters_from, from.letter_after};
    const bool meant = row.key.empty() || letter.record.key.value_or("") == row.key;
    if (before || !meant || letter.transaction > row.until) continue;
    const bool restore = row.command.kind == CommandKind::restore;
    const bool state = row.command.kind == CommandKind::replay ||
                       letter.state == (restore ? LetterState::discarded : LetterState::open);
    if (state) letters.emplace(at, &letter);
  }
  for (const auto& [at, letter] : letters) {
    if (page.letters.size() == page_max) {
      page.more = true;
      return;
    }
    page.letters.push_back(found(at.second, *letter));
    reached_->letters_from = at.first;
    reached_->letter_after = at.second;
  }
}

void SimTransaction::page_rows(const CommandRow& row, const CommandRow::Progress& from,
                               std::size_t page_max, delivery::CommandTargets& page) {
  const bool timed_only = row.command.kind == CommandKind::retry_now;
  for (const auto& [number, kept] : tables().open) {
    const bool meant = row.key.empty() || kept.record.key.value_or("") == row.key;
    const bool timed = kept.row.state == OpenState::head || kept.row.state == OpenState::scheduled;
    if (number < from.rows_from || !meant || kept.transaction > row.until) continue;
    if (timed_only && !timed) continue;
    if (page.letters.size() + page.rows.size() >= page_max) {
      page.more = true;
      return;
    }
    page.rows.push_back(kept.row);
    if (faults_.planted(Plant::begun_cancelled)) page.rows.back().doubt_until = 0;
    reached_->rows_from = number + 1;
  }
}

Result<delivery::CommandTargets> SimTransaction::targets(const delivery::Command& command,
                                                         std::size_t page_max) {
  if (auto failure = trouble(true)) return *failure;
  delivery::CommandTargets page;
  const auto& commands = database_.commands();
  const auto row = std::find_if(commands.begin(), commands.end(),
                                [&](const CommandRow& c) { return c.command.id == command.id; });
  if (row == commands.end()) return page;
  command_ = static_cast<std::size_t>(row - commands.begin());
  const auto progress = row->lanes.find(lane_.partition);
  page.live = row->state == CommandRow::State::running && progress != row->lanes.end() &&
              !progress->second.finished;
  if (!page.live) return page;
  reached_ = progress->second;
  if (command.kind == CommandKind::accept_loss) return page;
  cancels_ = command.kind == CommandKind::cancel || command.kind == CommandKind::erase;
  const bool rows = cancels_ || command.kind == CommandKind::retry_now;
  if (!rows || command.kind == CommandKind::erase)
    page_letters(*row, progress->second, page_max, page);
  if (rows && !page.more) page_rows(*row, progress->second, page_max, page);
  return page;
}

Status SimTransaction::settle_letters(const delivery::Command& command,
                                      std::span<const base::Uuid> letters) {
  if (auto failure = trouble(true)) return *failure;
  for (const base::Uuid& id : letters) {
    message::Identity identity;
    DeadRow& letter = *letter_of(id, identity);
    database_.keep_dead(lane_, identity);
    letter.state =
        command.kind == CommandKind::restore ? LetterState::open : LetterState::discarded;
    letter.settled_once = true;
  }
  return {};
}

Status SimTransaction::finish_page(const delivery::Command&, const delivery::CommandCount& count,
                                   bool last) {
  if (auto failure = trouble(true)) return *failure;
  database_.keep_command(command_);
  CommandRow::Progress& progress = database_.commands()[command_].lanes.at(lane_.partition);
  const CommandRow::Progress before = progress;
  if (!faults_.planted(Plant::page_forgotten)) progress = *reached_;
  progress.count.done = before.count.done + count.done;
  progress.count.skipped = before.count.skipped + count.skipped;
  progress.finished = last && !faults_.planted(Plant::command_never_ends);
  return {};
}

}  // namespace spool::simulation
