// A session that a person brings or takes away: the row, what follows from it, and the audit log,
// within the caller's transaction (begin_durable()), on its thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/crypto/sealed_box.hpp"
#include "engine/postgres/transaction.hpp"
#include "engine/store/audit_log.hpp"
#include "engine/store/operator_commands.hpp"
#include "handlers/tmdb_sessions/session.hpp"

namespace spool::tmdb_sessions {

// Saves it, and has those operations of the user tried at once that wait for a session: the
// commands; none if nothing waits.
base::Result<std::vector<store::GivenCommand>> log_in(postgres::Transaction& transaction,
                                                      const crypto::SealedBox& box,
                                                      std::int32_t user, const Session& session,
                                                      const store::Operator& who);

// Fails with `not_found` if the user has none.
base::Status log_out(postgres::Transaction& transaction, std::int32_t user,
                     const store::Operator& who);

}  // namespace spool::tmdb_sessions
