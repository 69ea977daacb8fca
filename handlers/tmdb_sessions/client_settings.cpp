#include "handlers/tmdb_sessions/client_settings.hpp"

namespace spool::tmdb_sessions {

tmdb::ClientSettings client_settings(const config::UpstreamTmdb& upstream) {
  tmdb::ClientSettings settings;
  settings.base_url_v3 = upstream.base_url;
  settings.base_url_v4 = upstream.base_url_v4;
  settings.application.key = upstream.api_key;
  settings.application.in_query = upstream.api_key_as == "query";
  settings.ca_file = upstream.ca;
  settings.connect_timeout = upstream.connect_timeout;
  settings.request_timeout = upstream.timeout;
  settings.connections_max = static_cast<std::size_t>(upstream.connections_max);
  return settings;
}

}  // namespace spool::tmdb_sessions
