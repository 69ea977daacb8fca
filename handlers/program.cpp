#include "handlers/program.hpp"

#include <memory>
#include <utility>

#include "handlers/all_handlers.hpp"
#include "handlers/list_operations/list_commands.hpp"
#include "handlers/list_operations/operation_commands.hpp"
#include "handlers/list_operations/publish_key.hpp"
#include "handlers/list_operations/refresh_commands.hpp"
#include "handlers/local_lists/export_command.hpp"
#include "handlers/local_lists/import_command.hpp"
#include "handlers/local_lists/migrate_commands.hpp"
#include "handlers/progress_events/progress_commands.hpp"
#include "handlers/tmdb_sessions/client_settings.hpp"
#include "handlers/tmdb_sessions/session_commands.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

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
  KnownHandler lists{"list_operations", "spool.list-operations", {}, true};
  lists.needs = "upstream.tmdb.api_key";
  lists.ready = [](const Settings& settings) { return !settings.upstream.tmdb.api_key.empty(); };
  return {std::move(lists), std::move(progress)};
}

// Without a key for sessions nobody's can be opened; operations wait for one.
base::Result<list_operations::Unseal> unsealing(const config::UpstreamTmdb& settings) {
  using Credentials = base::Result<tmdb::Credentials>;
  if (settings.session_key.empty()) {
    return list_operations::Unseal([](std::int32_t, std::string_view) -> Credentials {
      return base::Failure(base::FailureKind::invalid, "upstream.tmdb.session_key is not set");
    });
  }
  auto box = tmdb_sessions::session_box(settings.session_key, settings.session_key_before);
  if (!box) return box.failure();
  auto shared = std::make_shared<const crypto::SealedBox>(std::move(*box));
  return list_operations::Unseal(
      [shared](std::int32_t user, std::string_view sealed) -> Credentials {
        auto session = tmdb_sessions::open_session(*shared, user, sealed);
        if (!session) return session.failure();
        return tmdb_sessions::credentials(*session);
      });
}

base::Result<handler::HandlerRegistry> make_handlers(const Settings& settings) {
  handlers::HandlerOptions options;
  const auto& progress = settings.handlers.at("progress_events").options;
  options.progress_events.completed_percent =
      static_cast<int>(std::get<std::int64_t>(progress.at("completed_percent")));
  auto unseal = unsealing(settings.upstream.tmdb);
  if (!unseal) return unseal.failure();
  options.list_operations.unseal = std::move(*unseal);
  options.list_operations.refresh_interval = settings.lists.refresh_interval;
  options.list_operations.cache_ttl = settings.lists.cache_ttl;
  options.list_operations.cleanup.operations = settings.retention.operations;
  options.list_operations.cleanup.tombstones = settings.retention.tombstones;
  options.list_operations.client = tmdb_sessions::client_settings(settings.upstream.tmdb);
  return handlers::all_handlers(options);
}

}  // namespace

app::Program program() {
  app::Program program;
  program.handlers = make_handlers;
  program.known = known_handlers();
  program.commands = progress_events::progress_commands();
  for (auto&& group : {list_operations::operation_commands(), list_operations::list_commands(),
                       list_operations::refresh_commands(),
                       std::vector{local_lists::export_command(), local_lists::import_command()},
                       local_lists::migrate_commands(), tmdb_sessions::session_commands()})
    program.commands.insert(program.commands.end(), group.begin(), group.end());
  program.publish_key = [](std::string_view type, const std::string& data) {
    auto key = list_operations::publish_key(type, data);
    return key ? key : progress_events::publish_key(type, data);
  };
  return program;
}

}  // namespace spool
