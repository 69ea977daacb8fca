// `spool lists export`: a list as a file.
#pragma once

#include "engine/app/command.hpp"

namespace spool::local_lists {

app::Command export_command();

}  // namespace spool::local_lists
