// What this repository's programs are made of: every handler with its configuration keys and its
// commands.
#pragma once

#include "engine/app/program.hpp"

namespace spool {

app::Program program();

}  // namespace spool
