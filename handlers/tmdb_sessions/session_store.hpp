// The sessions of users, sealed, one row a user of media.tmdb_sessions. Each call is one statement
// of the caller's transaction and thread; a key is needed only to save and to load. Failures are
// the database's, and `invalid` for a row that no configured key opens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/crypto/sealed_box.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/tmdb_sessions/session.hpp"

namespace spool::tmdb_sessions {

enum class State : std::uint8_t {
  active,
  expired,  // TMDB refuses it: the user has to log in again
};
std::string_view to_string(State state);

struct StoredSession {
  Session session;
  State state = State::active;
  base::EpochMicros saved_at = 0;  // tells it from the session before and the one after
};

struct SessionInfo {
  std::int32_t user = 0;
  State state = State::active;
  base::EpochMicros created_at = 0;  // of the user's first session
  base::EpochMicros updated_at = 0;
  std::optional<base::EpochMicros> expired_at = {};
};

struct SessionCounts {
  std::int64_t active = 0;
  std::int64_t expired = 0;
  std::int64_t older_key = 0;  // of both, those that do not begin with the mark
};

// From the configured keys; `before` may be empty. Fails with `invalid`, naming the key and not
// quoting it.
base::Result<crypto::SealedBox> session_box(const std::string& key, const std::string& before);

// What the column `sealed` of this user's row holds; fails without quoting it.
base::Result<Session> open_session(const crypto::SealedBox& box, std::int32_t user,
                                   std::string_view sealed);

// In place of the user's session before, if there is one; active.
base::Status save_session(postgres::Transaction& transaction, const crypto::SealedBox& box,
                          std::int32_t user, const Session& session);

base::Result<std::optional<StoredSession>> load_session(postgres::Transaction& transaction,
                                                        const crypto::SealedBox& box,
                                                        std::int32_t user);

// The session that was saved then; false if it is expired already, or no longer the user's.
base::Result<bool> mark_expired(postgres::Transaction& transaction, std::int32_t user,
                                base::EpochMicros saved_at);

// False if the user has none.
base::Result<bool> remove_session(postgres::Transaction& transaction, std::int32_t user);

// By user id, those above `after`; in whatever state if none is named.
base::Result<std::vector<SessionInfo>> list_sessions(postgres::Transaction& transaction,
                                                     std::optional<State> state, std::int32_t after,
                                                     std::int64_t limit);

// `mark`: of the box with the current key; empty: nothing counts as older.
base::Result<SessionCounts> count_sessions(postgres::Transaction& transaction,
                                           std::string_view mark);

}  // namespace spool::tmdb_sessions
