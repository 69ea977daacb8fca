#include "handlers/tmdb/calls.hpp"

#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"

namespace spool::tmdb {
namespace {

using base::JsonObject;

constexpr std::size_t kTextBytesMax = 64UL * 1024;

void add_text(JsonObject& out, std::string_view name, std::string_view text) {
  out.text(name, base::printable(text, kTextBytesMax));
}

std::string one_text(std::string_view name, std::string_view text) {
  JsonObject out;
  add_text(out, name, text);
  return out.str();
}

std::string list_path(std::int64_t list) {
  return "/list/" + std::to_string(list);
}

// false is ignored, and the list public.
std::int64_t as_number(bool flag) {
  return flag ? 1 : 0;
}

// `query`: name=value pairs, encoded.
void append_query(std::string& target, std::string_view query) {
  if (query.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += query;
}

http::Request plain(const char* method, std::string target, std::string body) {
  const bool has_body = !body.empty();
  http::Request request(method, std::move(target), std::move(body));
  request.add("Accept", "application/json");
  if (has_body) request.add("Content-Type", "application/json;charset=utf-8");
  return request;
}

}  // namespace

std::string encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain_char = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain_char) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

Credentials Credentials::of_session(std::string session_id, std::string account_id) {
  Credentials made;
  made.secret = std::move(session_id);
  made.account_id = std::move(account_id);
  return made;
}

Credentials Credentials::of_token(std::string access_token, std::string account_id) {
  Credentials made = of_session(std::move(access_token), std::move(account_id));
  made.api = Api::v4;
  return made;
}

http::Request Calls::as_application(Api api, const char* method, std::string path,
                                    std::string body) const {
  const bool in_query = application_.in_query && api == Api::v3;
  if (in_query) append_query(path, "api_key=" + encode(application_.key));
  http::Request request = plain(method, std::move(path), std::move(body));
  if (!in_query) request.add("Authorization", "Bearer " + application_.key);
  return request;
}

http::Request Calls::as_user(const Credentials& user, const char* method, std::string path,
                             std::string_view query, std::string body) const {
  append_query(path, query);
  if (user.api == Api::v3) {
    append_query(path, "session_id=" + encode(user.secret));
    return as_application(Api::v3, method, std::move(path), std::move(body));
  }
  http::Request request = plain(method, std::move(path), std::move(body));
  request.add("Authorization", "Bearer " + user.secret);
  return request;
}

Calls::Made Calls::create_list(const Credentials& user, const NewList& list) const {
  JsonObject body;
  add_text(body, "name", list.name);
  add_text(body, "description", list.description);
  if (user.api == Api::v3) {
    if (list.is_public == false)
      return base::Failure(base::FailureKind::invalid,
                           "a list that is not public needs a login of TMDB's version 4");
    add_text(body, "language", list.language);
  } else {
    add_text(body, "iso_639_1", list.language);
    if (!list.country.empty()) add_text(body, "iso_3166_1", list.country);
    if (list.is_public) body.number("public", as_number(*list.is_public));
  }
  return as_user(user, "POST", "/list", {}, body.str());
}

Calls::Made Calls::update_list(const Credentials& user, std::int64_t list,
                               const ListChange& change) const {
  if (user.api == Api::v3)
    return base::Failure(base::FailureKind::invalid,
                         "changing a list needs a login of TMDB's version 4");
  JsonObject body;
  if (change.name) add_text(body, "name", *change.name);
  if (change.description) add_text(body, "description", *change.description);
  if (change.language) add_text(body, "iso_639_1", *change.language);
  if (change.is_public) body.number("public", as_number(*change.is_public));
  if (change.sort_by) add_text(body, "sort_by", *change.sort_by);
  return as_user(user, "PUT", list_path(list), {}, body.str());
}

Calls::Made Calls::delete_list(const Credentials& user, std::int64_t list) const {
  return as_user(user, "DELETE", list_path(list));
}

Calls::Made Calls::clear_list(const Credentials& user, std::int64_t list) const {
  if (user.api == Api::v4) return as_user(user, "GET", list_path(list) + "/clear");
  return as_user(user, "POST", list_path(list) + "/clear", "confirm=true");
}

http::Request Calls::movie_call(const Credentials& user, std::int64_t list, std::int64_t movie,
                                bool add) const {
  JsonObject item;
  if (user.api == Api::v3) {
    item.number("media_id", movie);
    return as_user(user, "POST", list_path(list) + (add ? "/add_item" : "/remove_item"), {},
                   item.str());
  }
  item.text("media_type", "movie");
  item.number("media_id", movie);
  JsonObject body;
  body.json("items", "[" + item.str() + "]");
  return as_user(user, add ? "POST" : "DELETE", list_path(list) + "/items", {}, body.str());
}

Calls::Made Calls::add_movie(const Credentials& user, std::int64_t list, std::int64_t movie) const {
  return movie_call(user, list, movie, true);
}

Calls::Made Calls::remove_movie(const Credentials& user, std::int64_t list,
                                std::int64_t movie) const {
  return movie_call(user, list, movie, false);
}

Calls::Made Calls::list_details(const Credentials& user, std::int64_t list,
                                std::int64_t page) const {
  return as_user(user, "GET", list_path(list), "page=" + std::to_string(page));
}

Calls::Made Calls::item_status(const Credentials& user, std::int64_t list,
                               std::int64_t movie) const {
  const std::string query = user.api == Api::v3
                                ? "movie_id=" + std::to_string(movie)
                                : "media_id=" + std::to_string(movie) + "&media_type=movie";
  return as_user(user, "GET", list_path(list) + "/item_status", query);
}

Calls::Made Calls::account_lists(const Credentials& user, std::int64_t page) const {
  return as_user(user, "GET", "/account/" + encode(user.account_id) + "/lists",
                 "page=" + std::to_string(page));
}

Calls::Made Calls::request_token() const {
  return as_application(Api::v3, "GET", "/authentication/token/new");
}

Calls::Made Calls::request_token_v4(std::string_view redirect_to) const {
  return as_application(Api::v4, "POST", "/auth/request_token",
                        redirect_to.empty() ? "{}" : one_text("redirect_to", redirect_to));
}

Calls::Made Calls::create_session(std::string_view request_token) const {
  return as_application(Api::v3, "POST", "/authentication/session/new",
                        one_text("request_token", request_token));
}

Calls::Made Calls::access_token(std::string_view request_token) const {
  return as_application(Api::v4, "POST", "/auth/access_token",
                        one_text("request_token", request_token));
}

Calls::Made Calls::convert_session(std::string_view access_token) const {
  return as_application(Api::v3, "POST", "/authentication/session/convert/4",
                        one_text("access_token", access_token));
}

Calls::Made Calls::delete_session(const Credentials& user) const {
  if (user.api == Api::v4)
    return as_application(Api::v4, "DELETE", "/auth/access_token",
                          one_text("access_token", user.secret));
  return as_application(Api::v3, "DELETE", "/authentication/session",
                        one_text("session_id", user.secret));
}

}  // namespace spool::tmdb
