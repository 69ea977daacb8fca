#include "handlers/tmdb_sessions/session_change.hpp"

#include <string>

#include "engine/base/json_object.hpp"
#include "engine/message/error_type.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::tmdb_sessions {
namespace {

using base::Result;
using base::Status;
using postgres::Transaction;

constexpr const char* kHandler = "list_operations";

Status audit(Transaction& transaction, const store::Operator& who, const char* action,
             std::int32_t user, const base::JsonObject& detail) {
  return store::write_audit(transaction, who,
                            {action, kHandler, std::to_string(user), detail.str()});
}

}  // namespace

Result<std::vector<store::GivenCommand>> log_in(Transaction& transaction,
                                                const crypto::SealedBox& box, std::int32_t user,
                                                const Session& session,
                                                const store::Operator& who) {
  if (auto saved = save_session(transaction, box, user, session); !saved) return saved.failure();
  // Not what waits for its time or for another reason: that is not due because of a session.
  store::CommandRequest request;
  request.kind = delivery::CommandKind::retry_now;
  request.filter.handler = kHandler;
  request.filter.key = std::to_string(user);
  request.filter.error = std::string(message::to_string(message::ErrorType::upstream_auth));
  auto commands = store::give_commands(transaction, request, who);
  if (!commands) return commands;
  base::JsonObject detail;
  detail.number("api_version", static_cast<std::int64_t>(session.api));
  if (auto written = audit(transaction, who, "tmdb_session.login", user, detail); !written)
    return written.failure();
  return commands;
}

Status log_out(Transaction& transaction, std::int32_t user, const store::Operator& who) {
  const auto removed = remove_session(transaction, user);
  if (!removed) return removed.failure();
  if (!*removed)
    return base::Failure(base::FailureKind::not_found,
                         "TMDB user " + std::to_string(user) + " has no session here");
  return audit(transaction, who, "tmdb_session.logout", user, base::JsonObject());
}

}  // namespace spool::tmdb_sessions
