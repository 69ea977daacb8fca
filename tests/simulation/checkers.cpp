#include "tests/simulation/checkers.hpp"

#include <algorithm>
#include <utility>

namespace spool::simulation {
namespace {

using delivery::LaneId;
using delivery::OpenState;

void require(bool holds, const LaneId& lane, const std::string& what) {
  if (!holds)
    throw Violation(what + " (lane " + lane.handler + "/" + std::to_string(lane.partition) + ")");
}

std::string text(const delivery::Counters& c) {
  return "applied " + std::to_string(c.applied) + " duplicate " + std::to_string(c.duplicate) +
         " dead " + std::to_string(c.dead) + " open " + std::to_string(c.open) + " gaps " +
         std::to_string(c.gaps) + " lost " + std::to_string(c.lost);
}

}  // namespace

History& Checkers::history(const LaneId& lane) {
  const auto known = histories_.find(lane);
  if (known != histories_.end()) return known->second;
  return histories_.emplace(lane, History(lane, broker_, swarm_, asked_, *calls_)).first->second;
}

void Checkers::tell(const LaneId& lane) {
  constexpr const char* kKinds[] = {"applied",    "found double", "failed",    "died",
                                    "died again", "opened",       "revived",   "awakened",
                                    "hastened",   "cancelled",    "swallowed", "ended"};
  const auto& deeds = database_->tables(lane).deeds;
  std::size_t& told = told_[lane];
  for (told = std::min(told, deeds.size()); told < deeds.size(); ++told) {
    const Deed& deed = deeds[told];
    trace_.add("  " + std::string(kKinds[static_cast<int>(deed.kind)]) + ": event " +
               std::to_string(deed.serial) + " life " + std::to_string(deed.life) + " attempt " +
               std::to_string(deed.attempt) + " row " + std::to_string(deed.number) + " of " +
               lane.handler + "/" + std::to_string(lane.partition));
  }
}

void Checkers::committed(const LaneId& lane) {
  if (trace_.on()) tell(lane);
  history(lane).take(database_->tables(lane));
  check_lane(lane);
}

void Checkers::check_lane(const LaneId& lane) {
  const LaneTables& tables = database_->tables(lane);
  LaneRow row;
  if (tables.row) row = *tables.row;
  require(row.start <= row.next && row.next <= broker_.origin(lane).high(), lane,
          "the position " + std::to_string(row.next) + " is where nothing was ever produced");
  check_open(lane, tables, row);
  const delivery::Counters wanted = count(lane, tables, row);
  require(row.next - row.start == row.counters.sum(), lane,
          "conservation: " + std::to_string(row.next - row.start) + " offsets, but " +
              text(row.counters));
  require(row.counters == wanted, lane,
          "miscounted: " + text(row.counters) + ", but what happened says " + text(wanted));
  if (lane.handler == "natural") check_newest(lane, tables, row);
  check_ends(lane, tables, row);
}

// An end is held against an event only if that was what ran, and nothing else of the process.
void Checkers::check_ends(const LaneId& lane, const LaneTables& tables, const LaneRow& row) const {
  if (!row.suspicion.accused || row.suspicion.ends == 0) return;
  const delivery::Trial& accused = *row.suspicion.accused;
  const EndsAlone& last = tables.last_ends;
  const bool same = last.origin == accused.origin && last.at == accused.at;
  require(row.suspicion.ends <= (same ? last.ends : 0), lane,
          "an end is held against an event that was not running alone in its process");
}

void Checkers::killed(const std::pair<int, std::int32_t>& who) const {
  for (const LaneId& lane : broker_.lanes()) {
    const EndsAlone& last = database_->tables(lane).last_ends;
    require(last.who != who || last.ends < delivery::kEndsToDie, lane,
            "event " + std::to_string(who.first) + " was run again, although " +
                std::to_string(last.ends) + " processes ended while it ran alone");
  }
}

// Rows of open events: of records before the position, each once; a key has one head, its first.
void Checkers::check_open(const LaneId& lane, const LaneTables& tables, const LaneRow& row) {
  History& happened = history(lane);
  std::set<int> serials;
  std::map<std::string, delivery::KeyHash> hashes;
  for (const auto& [number, kept] : tables.open) {
    const std::string name = "open event " + std::to_string(kept.serial);
    require(serials.insert(kept.serial).second, lane, name + " has two rows");
    const std::int64_t offset = happened.offset_of(kept.serial);
    require(offset >= row.start && offset < row.next, lane, name + " is not below the position");
    require(kept.record.offset == offset, lane, name + " has forgotten where it came from");
    if (kept.row.state == OpenState::scheduled) continue;
    const auto [known, first] = hashes.emplace(happened.key_of(kept.serial, tables), kept.row.key);
    require(known->second == kept.row.key, lane, name + " does not wait with its key");
    require(first == (kept.row.state != OpenState::parked), lane,
            first ? name + " is parked, but its key has no head"
                  : name + " is a second head of its key");
  }
}

void Checkers::count_one(const LaneId& lane, const Entry& entry, const LaneTables& tables,
                         const std::map<int, const OpenKept*>& open, delivery::Counters& counters) {
  History& happened = history(lane);
  const std::string name = "event " + std::to_string(entry.serial);
  const auto row = open.find(entry.serial);
  const bool applied = happened.applied(entry.serial);
  const auto letter = tables.dead.find(entry.identity);
  const bool buried = letter != tables.dead.end() && letter->second.serial == entry.serial;
  const bool dead = buried && (letter->second.state == LetterState::open ||
                               letter->second.state == LetterState::discarded);
  if (row != open.end()) {
    require(!applied && !dead, lane, name + " is open although it was finished");
    if (row->second->row.life > 0) {
      require(buried && letter->second.state == LetterState::replaying, lane,
              name + " is being replayed, but its dead letter does not say so");
    }
    ++counters.open;
  } else if (dead) {
    require(!applied, lane, name + " is both applied and dead");
    ++counters.dead;
  } else if (applied || happened.ended_without(entry.serial)) {
    ++counters.applied;
  } else {
    const bool another = happened.known(entry.identity) || entry.asks >= 0;
    const bool noticed = happened.found_double(entry.serial) || happened.died_again(entry.serial) ||
                         entry.asks >= 0 || lane.handler == "inbox";
    require(another && noticed, lane, name + " was skipped: the position is behind it");
    ++counters.duplicate;
  }
}

std::set<std::int64_t> Checkers::given_up(const LaneId& lane) const {
  std::set<std::int64_t> offsets;
  for (const CommandRow& command : database_->commands()) {
    if (!command.command.loss || command.handler != lane.handler) continue;
    const auto progress = command.lanes.find(lane.partition);
    if (progress == command.lanes.end() || progress->second.count.done == 0) continue;
    const delivery::Loss& loss = *command.command.loss;
    for (std::int64_t offset = loss.from; offset < loss.to; ++offset) offsets.insert(offset);
  }
  return offsets;
}

delivery::Counters Checkers::count(const LaneId& lane, const LaneTables& tables,
                                   const LaneRow& row) {
  std::map<int, const OpenKept*> open;
  for (const auto& [number, kept] : tables.open) {
    if (kept.row.state != OpenState::dead) open.emplace(kept.serial, &kept);
  }
  delivery::Counters counters;
  const auto lost = given_up(lane);
  const auto& entries = broker_.origin(lane).entries;
  for (std::int64_t offset = row.start; offset < row.next; ++offset) {
    const Entry& entry = entries[static_cast<std::size_t>(offset)];
    if (lost.contains(offset)) {
      require(offset < broker_.log(lane).low && !history(lane).applied(entry.serial), lane,
              "offset " + std::to_string(offset) + " was given up, but not lost");
      ++counters.lost;
    } else if (entry.gap) {
      ++counters.gaps;
    } else {
      count_one(lane, entry, tables, open, counters);
    }
  }
  for (const Deed& deed : tables.deeds) {
    if (deed.kind != Deed::Kind::applied) continue;
    require(history(lane).offset_of(deed.serial) < row.next, lane,
            "event " + std::to_string(deed.serial) + " took effect, but the position is before it");
  }
  return counters;
}

void Checkers::check_newest(const LaneId& lane, const LaneTables& tables, const LaneRow& row) {
  std::map<int, int> newest;
  const auto& entries = broker_.origin(lane).entries;
  for (std::int64_t offset = row.start; offset < row.next; ++offset) {
    const Entry& entry = entries[static_cast<std::size_t>(offset)];
    if (entry.gap || !history(lane).applied(entry.serial)) continue;
    const Plan& plan = broker_.plan(entry.event);
    int& version = newest.try_emplace(plan.key, plan.version).first->second;
    version = std::max(version, plan.version);
  }
  require(tables.newest == newest, lane, "the newest version of a key is not what was applied");
}

void Checkers::taken(const LaneId& lane, std::int64_t epoch) {
  std::int64_t& newest = epochs_[lane];
  require(epoch > newest, lane, "epoch " + std::to_string(epoch) + " was given out twice");
  newest = epoch;
  check_lane(lane);
}

// A database that went back shows an owner less than it believes, another owner shows another
// token. More than it believes it can only see when it went on after a commit of which it did not
// know how it had ended.
void Checkers::fenced(const LaneId& lane, const delivery::Claim& shown,
                      const delivery::Claim& actual) {
  require(
      shown.token != actual.token || shown.seq > actual.seq, lane,
      "an owner shows its own token and an older seq: it went on after a commit in doubt, or the "
      "token was given out twice");
}

void Checkers::settled(const LaneId& lane, const HeadsBefore& before, const Settling& settling) {
  calls_->settled(lane, before, settling);
}

void Checkers::failing_over() {
  epochs_.clear();
  calls_->before_restore();
  set_back_ = true;
  for (const LaneId& lane : broker_.lanes()) {
    for (const Deed& deed : database_->tables(lane).deeds) {
      if (deed.kind == Deed::Kind::died) owed_.insert({deed.identity, deed.life});
    }
  }
}

void Checkers::went_back() {
  if (std::exchange(set_back_, false)) calls_->after_restore();
  for (const LaneId& lane : broker_.lanes()) {
    history(lane).begin_again(database_->tables(lane));
    told_[lane] = std::min(told_[lane], database_->tables(lane).deeds.size());
    check_lane(lane);
  }
  announcements_checked_ = 0;
}

bool Checkers::has_died(const Letter& letter, bool durably) const {
  return std::any_of(broker_.lanes().begin(), broker_.lanes().end(), [&](const LaneId& lane) {
    const auto& deeds = database_->tables(lane).deeds;
    return std::any_of(deeds.begin(), deeds.end(), [&](const Deed& deed) {
      return deed.kind == Deed::Kind::died && deed.identity == letter.identity &&
             deed.life == letter.life && (!durably || database_->is_durable(deed.transaction));
    });
  });
}

void Checkers::check_announcements() {
  if (announcements_checked_ == broker_.announced().size()) return;
  announcements_checked_ = broker_.announced().size();
  for (const Letter& letter : broker_.announced()) {
    if (owed_.contains(letter)) continue;
    if (!has_died(letter, true))
      throw Violation(letter.identity.id + " was announced as dead, but that was not durable");
  }
}

bool Checkers::position_is_lost(const LaneId& lane) const {
  const auto& row = database_->tables(lane).row;
  return row && (broker_.incarnation(lane) > 1 || row->next < broker_.log(lane).low);
}

}  // namespace spool::simulation
