// What the parts of one simulated process share: its number, its way to the database, and whether
// it is about to end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/delivery/ports.hpp"

namespace spool::simulation {

// Thrown through the engine when the process dies.
struct WorkerCrash {};

// How often each life of a record ended the process that ran it.
using Kills = std::map<std::pair<int, std::int32_t>, int>;

// What is true of the ends that a transaction settles, by the numbers of their heads.
struct CallTruth {
  bool counts = false;    // as an attempt
  bool in_doubt = false;  // it may have had its effect
  base::EpochMicros marked_at = 0;
};
// A head as a transaction finds it.
struct HeadBefore {
  delivery::OpenRow row;
  base::EpochMicros marked_at = 0;
};
using HeadsBefore = std::map<std::int64_t, HeadBefore>;
using Settling = std::map<std::int64_t, CallTruth>;

struct Process {
  int number = 0;       // no two processes share one
  bool broken = false;  // its connection; whole again after one failed statement
  bool doomed = false;
  std::optional<std::pair<int, std::int32_t>> killer = {};  // the life of a record that ends it
  // The lanes whose events it runs at this moment, each with the mark that it runs them under: 0,
  // or what `marks` said when that was written.
  std::map<delivery::LaneId, int> runs = {};
  int marks = 0;
  // Of calls that have ended, by their lanes and heads; and of the ends that it is settling.
  std::map<delivery::LaneId, Settling> ends = {}, settling = {};
  // Serials and attempts whose retry records it has read; only Plant::head_needs_record asks.
  std::set<std::pair<int, std::int32_t>> records_read = {};

  // A handler's exception is caught by the engine, its end of the process is not: whatever the
  // engine does next, it does not come to it.
  void go_on() const {
    if (doomed) throw WorkerCrash{};
  }
  [[noreturn]] void kill(std::optional<std::pair<int, std::int32_t>> who = std::nullopt) {
    killer = who;
    doomed = true;
    throw WorkerCrash{};
  }
};

}  // namespace spool::simulation
