// `spool operations retry|process|cancel|priority`: commands to the lanes' owners, the first three
// as `spool replay start`, `spool retries now` and `spool retries cancel` give them, for those who
// think in operations.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::list_operations {

std::vector<app::Command> operation_change_commands();

}  // namespace spool::list_operations
