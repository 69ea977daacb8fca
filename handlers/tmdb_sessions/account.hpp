// Whose session it is: `GET /account` of TMDB's version 3. Pure, any thread; requests hold secrets
// and are never shown.
#pragma once

#include <cstdint>

#include "engine/crypto/secret.hpp"
#include "engine/http/message.hpp"
#include "handlers/tmdb/call.hpp"
#include "handlers/tmdb/calls.hpp"

namespace spool::tmdb_sessions {

struct Account {
  std::int64_t id = 0;  // the TMDB user id
};

http::Request account_request(const tmdb::Application& application,
                              const crypto::Secret& v3_session_id);

tmdb::CallResult<Account> read_account(const http::Outcome& outcome);

}  // namespace spool::tmdb_sessions
