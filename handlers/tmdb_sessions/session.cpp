#include "handlers/tmdb_sessions/session.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/base/text.hpp"
#include "engine/message/json_reader.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::tmdb_sessions {
namespace {

using crypto::Secret;
using message::JsonField;
using message::JsonKind;
using message::JsonValue;

constexpr std::int64_t kCredentialMax = 4096;
constexpr std::size_t kOtherBytes = 256;  // names, numbers, the object id
constexpr std::int64_t kAccountMax = std::numeric_limits<std::int32_t>::max();

constexpr std::array<JsonField, 5> kFields = {{
    {"api", JsonKind::integer, true, 3, 4},
    {"v3_session_id", JsonKind::text, true, 0, kCredentialMax},
    {"v4_access_token", JsonKind::text, true, 0, kCredentialMax},
    {"v4_account_id", JsonKind::text, true, 0, kCredentialMax},
    {"v3_account_id", JsonKind::integer, true, 1, kAccountMax},
}};

void add_text(std::string& out, std::string_view name, const std::string& value) {
  out += ",\"";
  out += name;
  out += "\":";
  base::append_json_quoted(out, value);
}

Secret secret_of(const JsonValue& value) {
  return Secret(std::string(value.text));
}

}  // namespace

tmdb::Credentials credentials(const Session& session) {
  if (session.api == tmdb::Api::v4)
    return tmdb::Credentials::of_token(session.v4_access_token.reveal(), session.v4_account_id);
  return tmdb::Credentials::of_session(session.v3_session_id.reveal(),
                                       std::to_string(session.v3_account_id));
}

Secret to_json(const Session& session) {
  std::string out;
  // Room for all of it at once: a text that grows leaves copies behind.
  out.reserve(2 * (session.v3_session_id.reveal().size() + session.v4_access_token.reveal().size() +
                   session.v4_account_id.size()) +
              kOtherBytes);
  out = "{\"api\":" + std::to_string(static_cast<int>(session.api));
  add_text(out, "v3_session_id", session.v3_session_id.reveal());
  add_text(out, "v4_access_token", session.v4_access_token.reveal());
  add_text(out, "v4_account_id", session.v4_account_id);
  out += ",\"v3_account_id\":" + std::to_string(session.v3_account_id) + "}";
  return Secret(std::move(out));
}

base::Result<Session> parse_session(const Secret& json) {
  const std::size_t size = json.reveal().size();
  std::string padded;
  padded.reserve(size + message::kReadAheadBytes);
  padded = json.reveal();
  padded.resize(size + message::kReadAheadBytes);
  message::JsonReader reader;
  std::array<JsonValue, kFields.size()> values;
  const auto rejection = reader.read(std::string_view(padded).substr(0, size), kFields, values);
  Session session;
  if (!rejection) {
    session.api = values[0].integer == 4 ? tmdb::Api::v4 : tmdb::Api::v3;
    session.v3_session_id = secret_of(values[1]);
    session.v4_access_token = secret_of(values[2]);
    session.v4_account_id = std::string(values[3].text);
    session.v3_account_id = static_cast<std::int32_t>(values[4].integer);
  }
  crypto::wipe(padded);
  if (rejection)
    return base::Failure(base::FailureKind::invalid,
                         "what is sealed is no session: " + rejection->field);
  const bool usable = session.api == tmdb::Api::v4
                          ? !session.v4_access_token.empty() && !session.v4_account_id.empty()
                          : !session.v3_session_id.empty();
  if (usable) return session;
  return base::Failure(base::FailureKind::invalid, "the session has nothing to log in with");
}

bool is_credential(const std::string& text) {
  const auto visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  return !text.empty() && text.size() <= kCredentialMax && std::ranges::all_of(text, visible);
}

}  // namespace spool::tmdb_sessions
