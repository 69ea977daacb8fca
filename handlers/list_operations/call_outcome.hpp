// What a call to TMDB's lists means for its operation: failures as the engine wants them, and
// verdicts on what is in doubt. Pure, any thread.
#pragma once

#include <string>

#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_call.hpp"
#include "handlers/list_operations/reconcile.hpp"
#include "handlers/tmdb/call.hpp"

namespace spool::list_operations {

// The service that calls of this handler depend on.
inline constexpr const char* kTmdb = "tmdb";

// A failed call. What says that TMDB is away names it as the one to blame; a login that is over is
// the user's own.
handler::CallOutcome failed(const tmdb::CallFailure& failure);

// After asking what became of a call.
handler::CallOutcome found(const ListCall& call, const Verdict& verdict);

handler::CallOutcome performed(std::string note = {});
handler::CallOutcome created(std::int64_t tmdb_list_id);
handler::CallOutcome refreshed(ListState fetched);

}  // namespace spool::list_operations
