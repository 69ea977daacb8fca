#include "engine/store/command_kind.hpp"

#include "engine/base/assert.hpp"

namespace spool::store {

using delivery::CommandKind;

std::string_view to_string(CommandKind kind) {
  switch (kind) {
    case CommandKind::replay:
      return "replay";
    case CommandKind::discard:
      return "discard";
    case CommandKind::restore:
      return "restore";
    case CommandKind::retry_now:
      return "retry_now";
    case CommandKind::cancel:
      return "cancel";
    case CommandKind::prioritize:
      return "prioritize";
    case CommandKind::accept_loss:
      return "accept_loss";
    case CommandKind::erase:
      break;
  }
  return "erase";
}

CommandKind read_command_kind(std::string_view word) {
  for (const CommandKind kind :
       {CommandKind::replay, CommandKind::discard, CommandKind::restore, CommandKind::retry_now,
        CommandKind::cancel, CommandKind::prioritize, CommandKind::accept_loss,
        CommandKind::erase}) {
    if (word == to_string(kind)) return kind;
  }
  SPOOL_ASSERT(false, "a kind of command that the table's own check refuses");
}

}  // namespace spool::store
