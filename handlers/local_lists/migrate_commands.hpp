// `spool lists migrate`: local lists move to TMDB. The commands decide and show; the duty of the
// workers does it.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::local_lists {

std::vector<app::Command> migrate_commands();

}  // namespace spool::local_lists
