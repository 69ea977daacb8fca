// The offline queue in front of TMDB's lists: events are admitted into
// media.queued_list_operations, merged with what waits there, carried out one by one for each list,
// and confirmed in the mirror (media.lists, media.user_list_items). The handler keeps no state of
// its own; its tables are the truth.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "engine/handler/handler.hpp"
#include "handlers/list_operations/cleanup_duty.hpp"
#include "handlers/tmdb/client_settings.hpp"

namespace spool::list_operations {

// Opens a user's login as media.tmdb_sessions has it. Called by the database workers' threads, at
// the same time; outlives the handler. A failure's text has no secret in it.
using Unseal =
    std::function<base::Result<tmdb::Credentials>(std::int32_t tmdb_user_id, std::string_view)>;

struct Settings {
  Unseal unseal;
  tmdb::ClientSettings client = {};
  CleanupSettings cleanup = {};
  std::chrono::milliseconds refresh_interval{0};  // 0: lists are read only when somebody asks
  std::chrono::milliseconds cache_ttl{0};         // of copies of lists; 0: there are none
};

// Fails (invalid) when a setting is missing.
base::Result<handler::Handler> make_handler(const Settings& settings);

}  // namespace spool::list_operations
