// `spool lists ...`: the users' lists, as they are confirmed and as their users see them.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::list_operations {

std::vector<app::Command> list_commands();

}  // namespace spool::list_operations
