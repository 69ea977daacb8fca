// A user's login at TMDB: what is sealed in the database, and what the calls need of it. Values,
// one thread at a time; secrets are wiped when they go.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.hpp"
#include "engine/crypto/secret.hpp"
#include "handlers/tmdb/calls.hpp"

namespace spool::tmdb_sessions {

struct Session {
  tmdb::Api api = tmdb::Api::v3;   // of the calls that are made with it
  crypto::Secret v3_session_id;    // version 4 has one too: of the same login
  crypto::Secret v4_access_token;  // version 4 only, as the next
  std::string v4_account_id;       // an object id
  std::int32_t v3_account_id = 0;  // what everybody else calls the TMDB user id
};

// The copy that a call is made with; its secret is wiped by nobody.
tmdb::Credentials credentials(const Session& session);

// As one JSON object, and back. Fails with `invalid`, in words that quote nothing of it.
crypto::Secret to_json(const Session& session);
base::Result<Session> parse_session(const crypto::Secret& json);

// Whether it may be a session id or an access token: 1 to 4096 visible ASCII characters.
bool is_credential(const std::string& text);

}  // namespace spool::tmdb_sessions
