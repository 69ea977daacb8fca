// `spool lists cache`: what copies of lists there are, and how they are used.
#pragma once

#include "engine/app/command.hpp"

namespace spool::list_operations {

app::Command cache_command();

}  // namespace spool::list_operations
