// `spool lists migrate plan` and `status`: what would be moved, and how it stands.
#pragma once

#include "engine/app/command.hpp"

namespace spool::local_lists {

app::Command plan_command();
app::Command status_command();

}  // namespace spool::local_lists
