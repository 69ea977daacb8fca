#include "tests/tmdb/api.hpp"
#include "tests/tmdb/shapes.hpp"

namespace spool::standin {
namespace {

// The session is told to those who wait for one in words of its own.
Answer session_refused(int code) {
  json::object body = status_object(code);
  body["failure"] = true;
  return json_answer(401, body);
}

}  // namespace

Answer v3_new_token(Call& call) {
  const std::string token = call.accounts.make_request_token(Flow::v3, call.at.unix_s);
  Answer answer =
      json_answer(200, {{"success", true},
                        {"expires_at", utc_text(call.accounts.request_token_end(token))},
                        {"request_token", token}});
  answer.headers.emplace_back("authentication-callback",
                              "https://www.themoviedb.org/authenticate/" + token);
  return answer;
}

Answer v3_new_session(Call& call) {
  const auto token = text(call.body, "request_token");
  if (!token) return status_answer(5);
  const Claim claim = call.accounts.claim(Flow::v3, *token, call.at.unix_s);
  if (claim.kind == Claim::Kind::invalid) return session_refused(33);
  if (claim.kind == Claim::Kind::not_approved) return session_refused(17);
  return json_answer(200,
                     {{"success", true}, {"session_id", call.accounts.make_session(claim.user)}});
}

Answer v3_convert_session(Call& call) {
  const auto token = text(call.body, "access_token");
  if (!token) return status_answer(5);
  const auto user = call.accounts.user_of_token(*token);
  if (!user) return session_refused(35);
  return json_answer(200, {{"success", true}, {"session_id", call.accounts.make_session(*user)}});
}

Answer v3_delete_session(Call& call) {
  const auto session = text(call.body, "session_id");
  if (!session) return status_answer(5);
  if (!call.accounts.end_session(*session)) return status_answer(37);
  return json_answer(200, {{"success", true}});
}

Answer v3_account(Call& call) {
  const std::string name = "user" + std::to_string(*call.user);
  return json_answer(200, {{"id", id_value(call, *call.user)},
                           {"iso_639_1", "en"},
                           {"iso_3166_1", "US"},
                           {"name", ""},
                           {"include_adult", false},
                           {"username", name}});
}

Answer v4_new_request_token(Call& call) {
  json::object body = status_object(1);
  body["request_token"] = call.accounts.make_request_token(Flow::v4, call.at.unix_s);
  return json_answer(200, body);
}

Answer v4_new_access_token(Call& call) {
  const auto token = text(call.body, "request_token");
  if (!token) return status_answer(5);
  const Claim claim = call.accounts.claim(Flow::v4, *token, call.at.unix_s);
  if (claim.kind == Claim::Kind::invalid) return status_answer(33);
  if (claim.kind == Claim::Kind::not_approved) return status_answer(41);
  json::object body = status_object(1);
  body["access_token"] = call.accounts.make_token(claim.user);
  body["account_id"] = Accounts::object_id(claim.user);
  return json_answer(200, body);
}

Answer v4_delete_access_token(Call& call) {
  const auto token = text(call.body, "access_token");
  if (!token) return status_answer(5);
  return status_answer(call.accounts.end_token(*token) ? 13 : 35);
}

}  // namespace spool::standin
