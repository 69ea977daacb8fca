// `spool operations ...`: what users and operators ask of the queue of list operations, and what
// they do to it.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::list_operations {

std::vector<app::Command> operation_commands();

}  // namespace spool::list_operations
