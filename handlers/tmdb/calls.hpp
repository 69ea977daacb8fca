// The requests of TMDB's list calls as they are written down, for both versions of its API. Pure,
// any thread. Requests hold secrets and are never shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.hpp"
#include "engine/http/message.hpp"

namespace spool::tmdb {

enum class Api : std::uint8_t { v3 = 3, v4 = 4 };

// A user's login. Constructors, here and below, because g++ 12 miscompiles aggregates that are made
// within a co_await expression.
struct Credentials {
  Credentials() = default;
  static Credentials of_session(std::string session_id, std::string account_id);
  static Credentials of_token(std::string access_token, std::string account_id);

  Api api = Api::v3;
  std::string secret;      // session id of version 3, access token of version 4
  std::string account_id;  // a number in version 3, an object id in version 4
};

// The key of this deployment.
struct Application {
  std::string key;
  bool in_query = false;  // `api_key` in place of a bearer token; version 3 only
};

struct NewList {
  NewList() = default;
  explicit NewList(std::string list_name) : name(std::move(list_name)) {}

  std::string name;
  std::string description;
  std::string language = "en";    // iso_639_1
  std::string country;            // iso_3166_1, version 4
  std::optional<bool> is_public;  // lists of version 3 are public, whatever is asked for
};

// What is not there stays as it is.
struct ListChange {
  ListChange() = default;

  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> language;
  std::optional<bool> is_public;
  std::optional<std::string> sort_by;
};

class Calls {
 public:
  using Made = base::Result<http::Request>;

  explicit Calls(Application application) : application_(std::move(application)) {}

  // Fails with `invalid`: version 3 makes no list that is not public.
  Made create_list(const Credentials& user, const NewList& list) const;
  // Fails with `invalid`: version 3 changes none.
  Made update_list(const Credentials& user, std::int64_t list, const ListChange& change) const;
  Made delete_list(const Credentials& user, std::int64_t list) const;
  // In version 4 a GET, that changes something all the same.
  Made clear_list(const Credentials& user, std::int64_t list) const;
  Made add_movie(const Credentials& user, std::int64_t list, std::int64_t movie) const;
  Made remove_movie(const Credentials& user, std::int64_t list, std::int64_t movie) const;
  Made list_details(const Credentials& user, std::int64_t list, std::int64_t page) const;
  Made item_status(const Credentials& user, std::int64_t list, std::int64_t movie) const;
  Made account_lists(const Credentials& user, std::int64_t page) const;

  Made request_token() const;
  Made request_token_v4(std::string_view redirect_to) const;
  Made create_session(std::string_view request_token) const;
  Made access_token(std::string_view request_token) const;
  Made convert_session(std::string_view access_token) const;
  // Ends the session, or the access token.
  Made delete_session(const Credentials& user) const;

 private:
  http::Request as_user(const Credentials& user, const char* method, std::string path,
                        std::string_view query = {}, std::string body = {}) const;
  http::Request as_application(Api api, const char* method, std::string path,
                               std::string body = {}) const;
  http::Request movie_call(const Credentials& user, std::int64_t list, std::int64_t movie,
                           bool add) const;

  Application application_;
};

// Percent-encoded, for one value of a query or one part of a path.
std::string encode(std::string_view text);

}  // namespace spool::tmdb
