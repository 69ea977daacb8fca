#include "handlers/program.hpp"

#include <utility>

#include "handlers/all_handlers.hpp"
#include "handlers/progress_events/progress_commands.hpp"

namespace spool {
namespace {

using config::KnownHandler;
using config::KnownHandlers;
using config::Settings;

constexpr progress_events::Settings kProgressDefaults;

// The keys of each handler, under [handlers.<name>].
KnownHandlers known_handlers() {
  KnownHandler progress{"progress_events", "spool.progress-events", {}};
  progress.options.push_back(
      {"completed_percent", config::count(1, 100),
       std::int64_t{kProgressDefaults.completed_percent},
       "From this share of its duration on a movie or an episode counts as seen."});
  return {std::move(progress)};
}

base::Result<handler::HandlerRegistry> make_handlers(const Settings& settings) {
  handlers::HandlerOptions options;
  const auto& progress = settings.handlers.at("progress_events").options;
  options.progress_events.completed_percent =
      static_cast<int>(std::get<std::int64_t>(progress.at("completed_percent")));
  return handlers::all_handlers(options);
}

}  // namespace

app::Program program() {
  app::Program program;
  program.handlers = make_handlers;
  program.known = known_handlers();
  program.commands = progress_events::progress_commands();
  program.publish_key = progress_events::publish_key;
  return program;
}

}  // namespace spool
