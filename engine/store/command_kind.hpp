// The words of spool.commands for what operators ask. Pure; any thread. A word that the table's own
// check refuses is a broken invariant.
#pragma once

#include <string_view>

#include "engine/delivery/commands.hpp"

namespace spool::store {

std::string_view to_string(delivery::CommandKind kind);
delivery::CommandKind read_command_kind(std::string_view word);

}  // namespace spool::store
