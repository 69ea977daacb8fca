// What must hold once nothing fails any more and everything has come to rest.
#include <algorithm>

#include "tests/simulation/checkers.hpp"

namespace spool::simulation {
namespace {

using delivery::LaneId;
using delivery::OpenState;
using delivery::PauseReason;

// An event that ends its process is found within a few ends more than it needs to die.
constexpr int kKillsMax = 40;

void require(bool holds, const LaneId& lane, const std::string& what) {
  if (!holds)
    throw Violation(what + " (lane " + lane.handler + "/" + std::to_string(lane.partition) + ")");
}

}  // namespace

bool Checkers::full(const LaneId& lane) const {
  const LaneTables& tables = database_->tables(lane);
  std::map<delivery::KeyHash, int> of_key;
  for (const auto& [number, kept] : tables.open) {
    if (kept.row.state != OpenState::scheduled) ++of_key[kept.row.key];
  }
  bool key_full = false;
  for (const auto& [key, events] : of_key) key_full |= events >= swarm_.key_events_max;
  const bool blocked = std::any_of(tables.open.begin(), tables.open.end(), [](const auto& entry) {
    return entry.second.row.state == OpenState::dead;
  });
  return blocked && (key_full || tables.row->counters.open >= swarm_.open_events_max);
}

// A lane that has stopped takes leave of what it lost, and does nothing else; one that runs must
// first read the record that it knows, for which a full one has no room.
bool Checkers::may_wait(const CommandRow& command, const LaneId& lane, PauseReason says) const {
  if (!command.command.loss) return says == PauseReason::position_lost;
  return says == PauseReason::backpressure && full(lane);
}

void Checkers::check_open_at_end(const LaneId& lane, const LaneTables& tables) {
  std::set<delivery::KeyHash> blocked;
  for (const auto& [number, kept] : tables.open) {
    const std::string name = "event " + std::to_string(kept.serial);
    if (kept.row.state == OpenState::parked) {
      require(blocked.contains(kept.row.key), lane, name + " waits for nobody");
      continue;
    }
    require(kept.row.state == OpenState::dead, lane, name + " is open without a reason");
    blocked.insert(kept.row.key);
    const auto letter = tables.dead.find(kept.identity);
    require(letter != tables.dead.end() && letter->second.state == LetterState::open, lane,
            name + " holds its key, but nobody can decide about it");
  }
}

void Checkers::check_letters_at_end(const LaneId& lane, const LaneTables& tables) {
  std::set<Letter> refused;
  std::set<Letter> refused_to_tell;
  for (const auto& [number, entry] : tables.outbox) {
    require(!entry.error.empty(), lane, "a row of the outbox was left behind");
    if (!entry.letter) continue;
    (entry.row.topic == kEventsTopic ? refused_to_tell : refused).insert(*entry.letter);
  }
  for (const Deed& deed : tables.deeds) {
    if (deed.kind != Deed::Kind::died) continue;
    const Letter letter{deed.identity, deed.life};
    require(broker_.announced().contains(letter) || refused.contains(letter), lane,
            deed.identity.id + " is dead, but was never announced");
    require(broker_.told().contains(letter) || refused_to_tell.contains(letter), lane,
            deed.identity.id + " is dead, but nobody was told");
  }
  for (const auto& [identity, letter] : tables.dead) {
    if (letter.state == LetterState::open || letter.state == LetterState::discarded) continue;
    // Behind what waits for an operator it waits too.
    const bool waits = std::any_of(tables.open.begin(), tables.open.end(), [&](const auto& open) {
      return open.second.identity == identity && open.second.row.life == letter.life + 1;
    });
    if (waits && letter.state == LetterState::replaying) continue;
    const History& happened = histories_.at(lane);
    const bool ended = happened.applied(letter.serial) || happened.found_double(letter.serial) ||
                       happened.ended_without(letter.serial);
    require(letter.state == LetterState::resolved && ended, lane,
            identity.id + " was replayed, but its dead letter has not heard how that ended");
  }
}

// A copy of a dead letter, with its headers: whoever publishes it wants it replayed.
void Checkers::check_requests_at_end(const LaneId& lane, const LaneTables& tables) {
  // After a failover the death may come after the request.
  if (swarm_.failover > 0) return;
  const auto ignored = [&](const message::Identity& identity, int life) {
    const auto letter = tables.dead.find(identity);
    return letter != tables.dead.end() && letter->second.state == LetterState::open &&
           letter->second.life == life && !letter->second.settled_once;
  };
  const auto lost = given_up(lane);
  const auto& entries = broker_.origin(lane).entries;
  for (std::int64_t offset = tables.row->start; offset < tables.row->next; ++offset) {
    const Entry& entry = entries[static_cast<std::size_t>(offset)];
    if (lost.contains(offset)) continue;
    // Without an id it names nothing but itself.
    const bool names = entry.asks >= 0 && broker_.plan(entry.event).nature != Nature::no_id;
    require(!names || !ignored(entry.identity, entry.asks), lane,
            entry.identity.id + " was asked for by a hand, and not replayed");
  }
  for (const auto& [topic, log] : broker_.retry_logs(lane)) {
    const auto known = tables.row->companions.find(topic);
    const std::int64_t next = known == tables.row->companions.end() ? 0 : known->second;
    require(next == log.high() || log.low == log.high(), lane, topic + " was not read to its end");
    if (swarm_.retry_retention > 0) continue;
    for (const Kept& kept : log.records) {
      message::RecordBatch batch;
      kept.append_to(batch);
      const message::Record record = batch.record(0);
      const auto id = record.header("ce_id");
      if (!id || !record.header("__dlq.errors.topic")) continue;
      const int life = std::stoi(std::string(*record.header("spool-life")));
      require(!ignored({kSource, std::string(*id)}, life), lane,
              std::string(*id) + " was asked for on a retry topic, and not replayed");
    }
  }
}

void Checkers::check_commands_at_end(const Says& says) {
  for (const CommandRow& command : database_->commands()) {
    if (command.state != CommandRow::State::running) continue;
    for (const auto& [partition, progress] : command.lanes) {
      const LaneId lane{command.handler, partition};
      if (may_wait(command, lane, says(lane))) continue;
      require(progress.finished, lane, "a command was not carried out");
    }
  }
}

void Checkers::check_lane_at_end(const LaneId& lane, PauseReason says) {
  check_lane(lane);
  const bool stopped = says == PauseReason::position_lost;
  const LaneTables& tables = database_->tables(lane);
  require(tables.row.has_value(), lane, "nobody ever took the lane");
  // What is full does not look at the log.
  if (position_is_lost(lane) && !stopped && full(lane)) return;
  if (position_is_lost(lane)) {
    require(stopped && tables.row->stopped == "position_lost", lane,
            "the log lost the position, but the lane did not stop");
    for (const auto& [number, entry] : tables.outbox)
      require(!entry.error.empty(), lane, "a row of the outbox was left behind");
    return;
  }
  require(!stopped && tables.row->stopped.empty(), lane, "the lane stopped without a reason");
  if (swarm_.command == 0)
    require(!tables.row->suspicion.trial, lane, "a run that is over is still marked");
  if (lane.handler == kCalls) calls_->check_end(lane);
  check_open_at_end(lane, tables);
  check_letters_at_end(lane, tables);
  check_requests_at_end(lane, tables);
  // Its valve may be shut besides.
  const bool held_up = says == PauseReason::backpressure || says == PauseReason::dead_letters;
  if (held_up && full(lane)) return;
  require(tables.row->next == broker_.log(lane).high(), lane, "the lane is not at the log's end");
  // A valve that was shut stays wary until something else comes.
  require(says == PauseReason::none || (says == PauseReason::dead_letters && swarm_.small_valve) ||
              (says == PauseReason::backpressure && full(lane)),
          lane, std::string("the lane waits without need for: ") + delivery::to_string(says));
}

void Checkers::check_kills() const {
  for (const auto& [who, times] : kills_) {
    if (times > kKillsMax)
      throw Violation("event " + std::to_string(who.first) + " ended its process " +
                      std::to_string(times) + " times");
  }
}

void Checkers::check_end(const Says& says) {
  for (const LaneId& lane : broker_.lanes()) check_lane_at_end(lane, says(lane));
  check_commands_at_end(says);
  check_kills();
  for (const Letter& letter : broker_.announced()) {
    // With retention or a recreated topic, a failover may have made the loss of an announced death
    // final. With plans that depend on time, it may live the second time.
    if (!owed_.contains(letter) && !has_died(letter, false))
      throw Violation(letter.identity.id + " was announced as dead, but is not");
  }
}

}  // namespace spool::simulation
