// What operators ask of a lane. They write commands; the lane's owner carries each out in fenced
// transactions of its own, page by page, and the page's result commits with it (rule 11).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/uuid.hpp"
#include "engine/delivery/open_events.hpp"

namespace spool::delivery {

enum class CommandKind {
  replay,     // dead letters begin a new life
  discard,    // dead letters are given up; a key that one of them held goes on
  restore,    // discarded ones are open again
  retry_now,  // heads and scheduled events are due at once
  cancel,     // open events are closed without effect
  erase,      // of a person: open events are closed, dead letters lose their payload
};

struct Command {
  base::Uuid id;
  CommandKind kind = CommandKind::replay;
  std::int64_t rate = 0;  // events a second of this lane; 0: as fast as it goes
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
};

}  // namespace spool::delivery
