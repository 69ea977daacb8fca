// The tables of the simulated database, and beside them the history of what really happened to a
// lane's events, for the checkers: it is written by the simulation, and undone together with the
// transaction that it belongs to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "tests/simulation/sim_broker.hpp"

namespace spool::simulation {

struct LaneRow {
  std::int64_t epoch = 0;
  delivery::Claim claim;
  std::int64_t start = 0;
  std::int64_t next = 0;
  std::int64_t last_offset = -1;
  std::int64_t last_timestamp_ms = -1;
  delivery::Counters counters;
  std::string stopped;
  bool clean = true;  // the last owner let go
  int owner = 0;      // the process that took it last
  delivery::Suspicion suspicion;
  std::map<std::string, std::int64_t> companions;
  std::int64_t doubt_below = 0;
  base::EpochMicros doubt_until = 0;
  base::EpochMicros doubted_at = 0;  // not the engine's: when a restore was last found out
};

struct OpenKept {
  delivery::OpenRow row;
  message::Identity identity;
  int serial = 0;
  Kept record;
  std::int64_t transaction = 0;     // that wrote it first
  base::EpochMicros marked_at = 0;  // not the engine's, either
};

enum class LetterState { open, replaying, resolved, discarded };

struct DeadRow {
  base::Uuid id;
  int serial = 0;
  message::ErrorType type = message::ErrorType::schema_violation;
  std::int32_t life = 0;
  LetterState state = LetterState::open;
  delivery::KeyHash key;
  Kept record;
  std::int64_t transaction = 0;  // of its last death
  bool settled_once = false;     // somebody discarded it, perhaps to restore it later
};

struct OutboxEntry {
  delivery::OutboxRow row;
  // Of a dead letter, or of the domain event that tells of it; else it is a retry record.
  std::optional<Letter> letter;
  std::string error;  // refused for good
};

// A row of the handler that performs.
struct CallRow {
  enum class State { waits, begun, retried, done, died, swallowed, cancelled } state = State::waits;
  int serial = 0;
  int plan = 0;
  std::int32_t life = 0;
  std::string list;      // its key, the finer one included; empty: it waits for nobody
  bool doubted = false;  // somebody asked about it, or will
  bool mergeable() const { return state == State::waits && !doubted; }
};

// Something that happened to an event, once its transaction is committed.
struct Deed {
  enum class Kind {
    applied,
    found_double,  // the handler's own table had it already
    failed,        // an attempt
    died,
    died_again,  // a copy of what is dead already
    opened,      // waits: parked or scheduled
    revived,
    awakened,
    hastened,
    cancelled,
    swallowed,  // by a later event, before anybody had begun it
    ended,      // nothing was left to be done
  } kind = Kind::applied;
  int serial = 0;
  message::Identity identity = {};
  std::int32_t life = 0;
  std::int32_t attempt = 0;
  message::ErrorType type = message::ErrorType::other;
  bool charged = true;
  std::int64_t number = -1;  // of its open row, if it has one
  bool in_place = false;
  bool in_doubt = false;                     // of a failure: it may have had its effect
  std::optional<message::Identity> by = {};  // of `swallowed`: who did, if the log alone tells
  base::EpochMicros at = 0;
  std::int64_t transaction = 0;
};

// The mark that a lane's owner has made, and what is really true of it.
struct Mark {
  delivery::Trial trial;
  int process = 0;
  int number = 0;     // of the process's marks
  bool alone = true;  // false: when the process ended, this did not run, or not alone
};

// The ends of processes, one after the other, at which the same run of one event was alone.
struct EndsAlone {
  delivery::Origin origin = delivery::Origin::log;
  std::int64_t at = 0;
  std::pair<int, std::int32_t> who;  // serial and life
  int ends = 0;
};

// Everything that belongs to one lane.
struct LaneTables {
  std::optional<LaneRow> row;
  std::set<message::Identity> ledger;  // the unique index over that handler's table
  std::map<int, int> newest;           // the natural handler's: version by key
  std::set<message::Identity> inbox;
  std::map<std::int64_t, OpenKept> open;
  std::map<message::Identity, DeadRow> dead;
  std::map<std::int64_t, OutboxEntry> outbox;
  std::map<message::Identity, CallRow> calls;

  // Not the engine's.
  std::vector<Deed> deeds;
  std::optional<Mark> running;                             // whatever the lane's row says
  std::map<std::pair<int, std::int32_t>, int> ends_alone;  // by serial and life
  EndsAlone last_ends;
};

// A command and how far each lane has come with it.
struct CommandRow {
  enum class State { running, paused, cancelled } state = State::running;
  struct Progress {
    bool finished = false;
    std::int64_t letters_from = 0;  // offsets below are done
    message::Identity letter_after;
    std::int64_t rows_from = 0;
    delivery::CommandCount count;
  };
  delivery::Command command;
  std::string handler;
  std::string key;         // of the records it is about; empty: all of them
  std::int64_t until = 0;  // what happened in later transactions is not meant
  std::map<std::int32_t, Progress> lanes;
};

}  // namespace spool::simulation
