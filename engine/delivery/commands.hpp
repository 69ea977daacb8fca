// What operators ask of a lane. They write commands; the lane's owner carries each out in fenced
// transactions of its own, page by page, and the page's result commits with it (rule 11).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/uuid.hpp"
#include "engine/delivery/open_events.hpp"

namespace spool::delivery {

enum class CommandKind {
  replay,       // dead letters begin a new life
  discard,      // dead letters are given up; a key that one of them held goes on
  restore,      // discarded ones are open again
  retry_now,    // heads and scheduled events are due at once
  cancel,       // open events are closed without effect
  prioritize,   // open events that are not begun have another priority
  erase,        // of a person: open events are closed, dead letters lose their payload
  accept_loss,  // the lane leaves a position that the log has lost; see loss.hpp
};

// A lost position that an operator gives up, and where the lane goes on.
struct Loss {
  std::int64_t from = 0;
  std::int64_t to = 0;
  friend bool operator==(const Loss&, const Loss&) = default;
};

struct Command {
  base::Uuid id;
  CommandKind kind = CommandKind::replay;
  std::int64_t rate = 0;          // events a second of this lane; 0: as fast as it goes
  std::optional<Loss> loss = {};  // of accept_loss only
  std::int16_t priority = handler::kPriorityDefault;  // of prioritize only
  friend bool operator==(const Command&, const Command&) = default;
};

// What a page of a command is about.
struct CommandTargets {
  bool live = false;  // false: paused, cancelled or finished meanwhile
  bool more = false;  // a further page is needed
  std::vector<FoundLetter> letters;
  std::vector<OpenRow> rows;
};

struct CommandCount {
  std::int64_t done = 0;
  std::int64_t skipped = 0;  // somebody else had been there before
  friend bool operator==(const CommandCount&, const CommandCount&) = default;
};

}  // namespace spool::delivery
