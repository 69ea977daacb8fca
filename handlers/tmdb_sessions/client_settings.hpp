// How TMDB is called, as the configuration says it: for the command line and for the workers. Pure,
// any thread; holds the application's key.
#pragma once

#include "engine/config/settings.hpp"
#include "handlers/tmdb/client.hpp"

namespace spool::tmdb_sessions {

tmdb::ClientSettings client_settings(const config::UpstreamTmdb& upstream);

}  // namespace spool::tmdb_sessions
