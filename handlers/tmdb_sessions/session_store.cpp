#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::tmdb_sessions {
namespace {

using base::Result;
using base::Status;
using crypto::Secret;
using postgres::Bytes;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

#define SPOOL_SAVED_AT "(extract(epoch from updated_at) * 1000000)::bigint"

// Never the same time twice for a user: it is what tells one session from the next.
constexpr Statement kSave{
    "tmdb_session_save",
    "insert into media.tmdb_sessions as s (tmdb_user_id, sealed, state, created_at, updated_at)"
    " values ($1::integer, $2::bytea, 'active', clock_timestamp(), clock_timestamp())"
    " on conflict (tmdb_user_id) do update set sealed = excluded.sealed, state = 'active',"
    " expired_at = null,"
    " updated_at = greatest(excluded.updated_at, s.updated_at + interval '1 microsecond')"};

constexpr Statement kLoad{"tmdb_session_load",
                          "select sealed, state, " SPOOL_SAVED_AT
                          " from media.tmdb_sessions where tmdb_user_id = $1::integer"};

constexpr Statement kExpire{
    "tmdb_session_expire",
    "update media.tmdb_sessions set state = 'expired', expired_at = clock_timestamp()"
    " where tmdb_user_id = $1::integer and state = 'active' and " SPOOL_SAVED_AT " = $2::bigint"};

constexpr Statement kRemove{"tmdb_session_remove",
                            "delete from media.tmdb_sessions where tmdb_user_id = $1::integer"};

constexpr Statement kList{
    "tmdb_session_list",
    "select tmdb_user_id, state, (extract(epoch from created_at) * 1000000)::bigint,"
    " " SPOOL_SAVED_AT
    ", (extract(epoch from expired_at) * 1000000)::bigint"
    " from media.tmdb_sessions"
    " where tmdb_user_id > $2::integer and ($1::text is null or state = $1::text)"
    " order by tmdb_user_id limit $3::bigint"};

constexpr Statement kCount{
    "tmdb_session_count",
    "select count(*) filter (where state = 'active'), count(*) filter (where state = 'expired'),"
    " count(*) filter (where substring(sealed for octet_length($1::bytea)) <> $1::bytea)"
    " from media.tmdb_sessions"};

#undef SPOOL_SAVED_AT

// What the seal is bound to: a row that is copied to another user opens for nobody.
std::string purpose(std::int32_t user) {
  return "tmdb_session:" + std::to_string(user);
}

State state_of(std::string_view word) {
  return word == "expired" ? State::expired : State::active;
}

}  // namespace

std::string_view to_string(State state) {
  return state == State::active ? "active" : "expired";
}

Result<crypto::SealedBox> session_box(const std::string& key, const std::string& before) {
  const auto parse = [](const char* name, const std::string& text) -> Result<crypto::SealingKey> {
    auto parsed = crypto::SealingKey::parse(text);
    if (parsed) return parsed;
    return base::Failure(parsed.failure().kind, std::string(name) + ": " + parsed.failure().text);
  };
  auto current = parse("upstream.tmdb.session_key", key);
  if (!current) return current.failure();
  if (before.empty()) return crypto::SealedBox(*current);
  auto older = parse("upstream.tmdb.session_key_before", before);
  if (!older) return older.failure();
  return crypto::SealedBox(*current, {*older});
}

Result<Session> open_session(const crypto::SealedBox& box, std::int32_t user,
                             std::string_view sealed) {
  const auto about = [user](const base::Failure& why) {
    return base::Failure(why.kind,
                         "the session of TMDB user " + std::to_string(user) + ": " + why.text);
  };
  auto opened = box.open(sealed, purpose(user));
  if (!opened) return about(opened.failure());
  auto session = parse_session(Secret(std::move(*opened)));
  if (!session) return about(session.failure());
  return session;
}

Status save_session(Transaction& transaction, const crypto::SealedBox& box, std::int32_t user,
                    const Session& session) {
  const Secret plain = to_json(session);
  const std::string sealed = box.seal(plain.reveal(), purpose(user));
  auto done = transaction.execute(kSave, Params::of(user, Bytes{sealed}));
  return done ? Status() : Status(done.failure());
}

Result<std::optional<StoredSession>> load_session(Transaction& transaction,
                                                  const crypto::SealedBox& box, std::int32_t user) {
  auto rows = transaction.execute(kLoad, Params::of(user));
  if (!rows) return rows.failure();
  if (rows->empty()) return std::optional<StoredSession>();
  const std::string sealed = rows->bytes(0, 0).value_or("");
  auto session = open_session(box, user, sealed);
  if (!session) return session.failure();
  StoredSession stored;
  stored.session = std::move(*session);
  stored.state = state_of(rows->text(0, 1));
  stored.saved_at = rows->int64(0, 2);
  return std::optional<StoredSession>(std::move(stored));
}

Result<bool> mark_expired(Transaction& transaction, std::int32_t user, base::EpochMicros saved_at) {
  auto done = transaction.execute(kExpire, Params::of(user, saved_at));
  if (!done) return done.failure();
  return done->affected_rows() > 0;
}

Result<bool> remove_session(Transaction& transaction, std::int32_t user) {
  auto done = transaction.execute(kRemove, Params::of(user));
  if (!done) return done.failure();
  return done->affected_rows() > 0;
}

Result<std::vector<SessionInfo>> list_sessions(Transaction& transaction, std::optional<State> state,
                                               std::int32_t after, std::int64_t limit) {
  std::optional<std::string> word;
  if (state) word = to_string(*state);
  auto rows = transaction.execute(kList, Params::of(word, after, limit));
  if (!rows) return rows.failure();
  std::vector<SessionInfo> all;
  all.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    SessionInfo info;
    info.user = rows->int32(row, 0);
    info.state = state_of(rows->text(row, 1));
    info.created_at = rows->int64(row, 2);
    info.updated_at = rows->int64(row, 3);
    info.expired_at = rows->optional_int64(row, 4);
    all.push_back(info);
  }
  return all;
}

Result<SessionCounts> count_sessions(Transaction& transaction, std::string_view mark) {
  auto rows = transaction.execute(kCount, Params::of(Bytes{mark}));
  if (!rows) return rows.failure();
  return SessionCounts{rows->int64(0, 0), rows->int64(0, 1), rows->int64(0, 2)};
}

}  // namespace spool::tmdb_sessions
