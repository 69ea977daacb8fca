#include "handlers/all_handlers.hpp"

#include <utility>

#include "handlers/local_lists/migration_duty.hpp"

namespace spool::handlers {
namespace {

base::Status add(handler::HandlerRegistry& registry, base::Result<handler::Handler> made) {
  if (!made) return made.failure();
  return registry.add(std::move(made).value());
}

}  // namespace

base::Result<handler::HandlerRegistry> all_handlers(const HandlerOptions& options) {
  handler::HandlerRegistry registry;
  auto lists = list_operations::make_handler(options.list_operations);
  if (lists) lists->duties.push_back(local_lists::migration_duty());
  if (auto s = add(registry, std::move(lists)); !s) return s.failure();
  if (auto s = add(registry, progress_events::make_handler(options.progress_events)); !s)
    return s.failure();
  return registry;
}

}  // namespace spool::handlers
