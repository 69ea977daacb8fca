// `spool operations retry|process|cancel`: commands to the lanes' owners, as `spool replay start`,
// `spool retries now` and `spool retries cancel` give them, for those who think in operations.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::list_operations {

std::vector<app::Command> operation_change_commands();

}  // namespace spool::list_operations
