// `spool operations enqueue`: an operation is checked by the rules of its event, and published as
// any producer would. For commands, on their thread.
#pragma once

#include "engine/app/command.hpp"
#include "engine/app/event_sender.hpp"
#include "engine/base/result.hpp"

namespace spool::list_operations {

app::Command enqueue_command();

// How operations are published; each under an id of its own.
base::Result<app::SendPlan> operations_plan(app::CommandContext& context,
                                            const config::Settings& settings);

}  // namespace spool::list_operations
