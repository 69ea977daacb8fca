// `spool lists refresh`, `verify` and `repair`: lists are read at TMDB in their turn, by operations
// that are published as any producer would, and what was found is shown.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::list_operations {

std::vector<app::Command> refresh_commands();

}  // namespace spool::list_operations
