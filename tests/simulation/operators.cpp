#include "tests/simulation/operators.hpp"

#include <cstring>

namespace spool::simulation {

using delivery::CommandKind;
using delivery::LaneId;

void Operators::act() {
  Random& random = scene_.random;
  if (scene_.faults.chance(scene_.swarm.command)) {
    constexpr CommandKind kKinds[] = {
        CommandKind::replay,    CommandKind::replay,  CommandKind::replay,
        CommandKind::discard,   CommandKind::restore, CommandKind::retry_now,
        CommandKind::retry_now, CommandKind::cancel,  CommandKind::erase};
    const CommandKind kind = kKinds[random.below(std::size(kKinds))];
    const std::string& handler = scene_.swarm.handlers[random.below(scene_.swarm.handlers.size())];
    const std::string key =
        random.chance(500) ? "" : "k" + std::to_string(random.between(1, scene_.swarm.keys));
    const int rate = random.chance(300) ? random.between(50, 500) : 0;
    ask(handler, kind, key, rate);
    if (random.chance(250)) ask(handler, kind, key, rate);
    if (random.chance(150))
      change_mind(scene_.database.commands().size() - 1,
                  random.chance(500) ? CommandRow::State::paused : CommandRow::State::cancelled);
    if (scene_.faults.planted(Plant::replay_by_tool)) tool_replays();
  }
  if (scene_.faults.chance(scene_.swarm.accept_loss)) {
    const auto& lanes = scene_.broker.lanes();
    accept_loss(lanes[random.below(lanes.size())]);
  }
  const auto& dead = scene_.broker.dead_letters();
  if (!dead.empty() && scene_.faults.chance(scene_.swarm.hand))
    copy(dead[random.below(dead.size())], random.chance(500));
}

void Operators::ask(const std::string& handler, CommandKind kind, const std::string& key,
                    std::int64_t rate) {
  SimDatabase& database = scene_.database;
  Asked& asked = scene_.checkers.asked();
  CommandRow row;
  row.command.kind = kind;
  row.command.rate = rate;
  row.handler = handler;
  row.key = key;
  row.until = database.newest();
  for (const LaneId& lane : scene_.broker.lanes()) {
    if (lane.handler != handler) continue;
    row.lanes[lane.partition] = {};
    if (kind != CommandKind::replay) continue;
    for (const auto& [identity, letter] : database.tables(lane).dead) {
      if (key.empty() || letter.record.key.value_or("") == key)
        asked.replays.insert({handler, {identity, letter.life}});
    }
  }
  if (kind == CommandKind::retry_now) asked.hastened.insert(handler);
  if (kind == CommandKind::cancel || kind == CommandKind::erase) asked.cancelled.insert(handler);
  if (scene_.trace.on())
    scene_.trace.add("an operator asks " + handler + " for " +
                     std::to_string(static_cast<int>(kind)) + " of " + (key.empty() ? "all" : key));
  post(std::move(row));
}

void Operators::accept_loss(const LaneId& lane) {
  const auto& position = scene_.database.tables(lane).row;
  const std::int64_t low = scene_.broker.log(lane).low;
  if (!position || position->stopped.empty() || position->next >= low) return;
  CommandRow row;
  row.command.kind = CommandKind::accept_loss;
  row.command.loss = delivery::Loss{position->next, low};
  if (scene_.random.chance(200)) row.command.loss->to = position->next + 1;
  row.handler = lane.handler;
  row.lanes[lane.partition] = {};
  if (scene_.trace.on())
    scene_.trace.add("an operator gives up what " + to_text(lane) + " has lost, up to " +
                     std::to_string(row.command.loss->to));
  post(std::move(row));
}

void Operators::post(CommandRow row) {
  SimDatabase& database = scene_.database;
  ++commands_;
  std::memcpy(row.command.id.bytes.data(), &commands_, sizeof commands_);
  database.begin();
  database.commands().push_back(std::move(row));
  database.on_undo([](SimDatabase& back) { back.commands().pop_back(); });
  database.commit(true);
}

void Operators::change_mind(std::size_t command, CommandRow::State state) {
  SimDatabase& database = scene_.database;
  database.begin();
  database.keep_command(command);
  database.commands()[command].state = state;
  database.commit(true);
}

void Operators::copy(const Announcement& dead, bool to_main) {
  scene_.checkers.asked().replays.insert({dead.lane.handler, dead.letter});
  if (scene_.trace.on())
    scene_.trace.add("a hand publishes " + dead.letter.identity.id + " again, life " +
                     std::to_string(dead.letter.life) +
                     (to_main ? ", on the main topic" : ", on a retry topic"));
  if (to_main) {
    scene_.broker.copy_to_main(dead);
  } else {
    scene_.broker.copy_to_retry(dead);
  }
}

// The planted bug: it makes heads of dead letters, and no owner knows.
void Operators::tool_replays() {
  SimDatabase& database = scene_.database;
  for (const LaneId& lane : scene_.broker.lanes()) {
    LaneTables& tables = database.tables(lane);
    for (auto& [identity, letter] : tables.dead) {
      if (letter.state != LetterState::open || !tables.open.empty()) continue;
      scene_.checkers.asked().replays.insert({lane.handler, {identity, letter.life}});
      database.begin();
      database.keep_dead(lane, identity);
      database.keep_open(lane, 1);
      database.keep_row(lane);
      letter.state = LetterState::replaying;
      OpenKept kept;
      kept.row.number = 1;
      kept.row.key = letter.key;
      kept.row.life = letter.life + 1;
      kept.identity = identity;
      kept.serial = letter.serial;
      kept.record = letter.record;
      tables.open.emplace(1, std::move(kept));
      --tables.row->counters.dead;
      ++tables.row->counters.open;
      Deed deed;
      deed.kind = Deed::Kind::revived;
      deed.serial = letter.serial;
      deed.identity = identity;
      deed.life = letter.life + 1;
      database.add_deed(lane, std::move(deed));
      database.commit(true);
    }
  }
}

}  // namespace spool::simulation
