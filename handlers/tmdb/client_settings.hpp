// How TMDB is called: where, as whom, how patiently. Read-only once a client is made of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "handlers/tmdb/calls.hpp"

namespace spool::tmdb {

struct ClientSettings {
  std::string base_url_v3 = "https://api.themoviedb.org/3";
  std::string base_url_v4 = "https://api.themoviedb.org/4";
  Application application;
  std::string ca_file;  // empty: the system's
  bool verify = true;   // off for tests only
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{15'000};  // of one request, within the call's deadline
  std::size_t connections_max = 8;                    // for each version
  std::string user_agent = "spool";
};

}  // namespace spool::tmdb
