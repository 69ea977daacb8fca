// `spool lists import`: a file becomes a list at TMDB, by operations as any producer would publish
// them, or a local one.
#pragma once

#include "engine/app/command.hpp"

namespace spool::local_lists {

app::Command import_command();

}  // namespace spool::local_lists
