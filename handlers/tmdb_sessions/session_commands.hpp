// `spool upstream ...`: the users' logins at TMDB. Secrets come from files, stdin or TMDB, go into
// the database sealed, and are neither shown nor logged.
#pragma once

#include <vector>

#include "engine/app/command.hpp"

namespace spool::tmdb_sessions {

std::vector<app::Command> session_commands();

}  // namespace spool::tmdb_sessions
