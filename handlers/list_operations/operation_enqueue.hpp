// `spool operations enqueue`: an operation is checked by the rules of its event, and published as
// any producer would.
#pragma once

#include "engine/app/command.hpp"

namespace spool::list_operations {

app::Command enqueue_command();

}  // namespace spool::list_operations
