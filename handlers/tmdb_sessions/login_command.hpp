// Inside of this folder: `spool upstream login tmdb`, and what it shares with the other commands.
// One command, one thread.
#pragma once

#include <cstdint>

#include "engine/app/command_context.hpp"
#include "engine/store/audit_log.hpp"
#include "handlers/tmdb/call.hpp"

namespace spool::tmdb_sessions {

int login(app::CommandContext& context);

// --user. Fails with `invalid`.
base::Result<std::int32_t> read_user(const app::Arguments& arguments);

// Who asks; without --reason the command itself is the reason.
base::Result<store::Operator> read_person(const app::Arguments& arguments, const char* reason);

// Says what TMDB said; answers the exit code.
int fail_call(app::CommandContext& context, const tmdb::CallFailure& failure);

}  // namespace spool::tmdb_sessions
