#include "handlers/tmdb_sessions/account.hpp"

#include <array>
#include <string>

#include "engine/message/json_reader.hpp"
#include "engine/message/record_batch.hpp"
#include "handlers/tmdb/json.hpp"
#include "handlers/tmdb/status.hpp"

namespace spool::tmdb_sessions {
namespace {

using message::ErrorType;

tmdb::CallFailure failure(ErrorType type, std::string text) {
  tmdb::CallFailure made;
  made.type = type;
  made.text = "account: " + std::move(text);
  return made;
}

tmdb::CallResult<Account> read_body(const std::string& body) {
  const std::array<message::JsonField, 1> fields = {{
      {"id", message::JsonKind::integer, true, 1},
  }};
  std::array<message::JsonValue, 1> values;
  std::string padded = body;
  padded.resize(body.size() + message::kReadAheadBytes);
  message::JsonReader reader;
  const auto wrong = reader.read(std::string_view(padded).substr(0, body.size()), fields, values);
  if (wrong)
    return failure(ErrorType::upstream_server_error,
                   "the answer cannot be used: " + wrong->message());
  return Account{values[0].integer};
}

}  // namespace

http::Request account_request(const tmdb::Application& application,
                              const crypto::Secret& v3_session_id) {
  std::string target = "/account?session_id=" + tmdb::encode(v3_session_id.reveal());
  if (application.in_query) target += "&api_key=" + tmdb::encode(application.key);
  http::Request request("GET", std::move(target));
  request.add("Accept", "application/json");
  if (!application.in_query) request.add("Authorization", "Bearer " + application.key);
  return request;
}

tmdb::CallResult<Account> read_account(const http::Outcome& outcome) {
  if (const auto* failed = std::get_if<http::Failed>(&outcome))
    return failure(ErrorType::upstream_network, failed->text);
  const auto& response = std::get<http::Response>(outcome);
  const auto status = tmdb::parse_status(response.body);
  tmdb::Reply reply;
  reply.http_status = response.status;
  reply.json = status.has_value();
  if (status) reply.code = status->code;
  // Another read as a user: TMDB's refusals mean the same.
  const tmdb::Verdict verdict = tmdb::judge(tmdb::Operation::account_lists, reply);
  if (verdict.ending == tmdb::Ending::done) return read_body(response.body);
  std::string text = "HTTP " + std::to_string(response.status);
  if (status && !status->message.empty()) text += ": " + status->message;
  return failure(verdict.type, std::move(text));
}

}  // namespace spool::tmdb_sessions
