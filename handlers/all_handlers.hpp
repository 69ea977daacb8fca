// Every handler of this program. Adding one: its folder, and a line in all_handlers.cpp.
#pragma once

#include "engine/handler/registry.hpp"
#include "handlers/list_operations/list_operations.hpp"
#include "handlers/progress_events/progress_events.hpp"

namespace spool::handlers {

struct HandlerOptions {
  list_operations::Settings list_operations;
  progress_events::Settings progress_events;
};

// Fails (invalid) when a setting of a handler is out of its range, or two handlers collide.
base::Result<handler::HandlerRegistry> all_handlers(const HandlerOptions& options);

}  // namespace spool::handlers
