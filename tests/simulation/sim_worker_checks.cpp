// What a process believes and intends, against what the database has.
#include <algorithm>

#include "tests/simulation/sim_worker.hpp"

namespace spool::simulation {

// It must not sleep longer than until something of its lanes is due.
void SimWorker::check_alarm() {
  const auto wake = wake_at();
  // Suspects and lanes that are to be taken hold the others of their process up.
  bool calm = true;
  dispatcher_.for_each([&](const delivery::Lane& mine) {
    const auto& row = scene_.database.tables(mine.id()).row;
    calm &= mine.phase() == delivery::LanePhase::running && row && !row->suspicion.any();
  });
  if (!calm) return;
  dispatcher_.for_each([&](const delivery::Lane& mine) {
    const LaneTables& tables = scene_.database.tables(mine.id());
    const bool acts = mine.phase() == delivery::LanePhase::running &&
                      mine.pause_reason() == delivery::PauseReason::none && tables.row &&
                      tables.row->claim == mine.claim();
    // Of those that are due, some are being called, and others wait for their permits.
    const bool performs = mine.id().handler == kCalls;
    if (!acts || (performs && mine.heads_due(scene_.database.time))) return;
    for (const auto& [number, kept] : tables.open) {
      const bool waits = kept.row.state == delivery::OpenState::head ||
                         kept.row.state == delivery::OpenState::scheduled;
      const base::EpochMicros in = kept.row.due - scene_.database.time;
      const auto latest = std::max(scene_.now(), scene_.now() + std::chrono::microseconds(in)) +
                          scene_.swarm.gather;
      if (waits && (in > 0 || !performs) && (!wake || *wake > latest))
        throw Violation("a worker would oversleep what is due in " + std::to_string(in) +
                        " us (lane " + to_text(mine.id()) + ")");
    }
  });
}

void SimWorker::check_memory() {
  dispatcher_.for_each([&](const delivery::Lane& mine) {
    const bool owned = mine.phase() == delivery::LanePhase::unplaced ||
                       mine.phase() == delivery::LanePhase::running;
    const LaneTables& tables = scene_.database.tables(mine.id());
    if (owned && !mine.busy() && tables.row && tables.row->claim == mine.claim())
      check_lane(mine, tables);
  });
}

void SimWorker::check_lane(const delivery::Lane& mine, const LaneTables& tables) {
  std::set<delivery::KeyHash> keys;
  std::int64_t bytes = 0;
  bool due = false;
  for (const auto& [number, kept] : tables.open) {
    bytes += kept.row.bytes;
    if (kept.row.state == delivery::OpenState::scheduled) continue;
    keys.insert(kept.row.key);
    due |= kept.row.state == delivery::OpenState::head && kept.row.due <= scene_.database.time;
  }
  const auto require = [&](bool holds, const char* what) {
    if (!holds)
      throw Violation("an owner remembers other " + std::string(what) +
                      " than the database (lane " + to_text(mine.id()) + ")");
  };
  require(mine.next() == tables.row->next, "positions");
  require(mine.counters() == tables.row->counters, "counters");
  require(mine.held_keys() == keys.size(), "held keys");
  require(mine.open_bytes() == bytes, "open bytes");
  // Of those that are being called, the database says that they are due.
  if (mine.calls_unsettled() == 0)
    require(mine.heads_due(scene_.database.time) == due, "heads that are due");
}

}  // namespace spool::simulation
