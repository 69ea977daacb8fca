// The API's routes: one function each, from a request whose caller is known to an answer. They run
// on the Standin's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/tmdb/accounts.hpp"
#include "tests/tmdb/message.hpp"
#include "tests/tmdb/world.hpp"

namespace spool::standin {

// How an answer is bent; see FaultKind.
struct Bend {
  bool null_ids = false;
  std::optional<std::int64_t> total_pages = {};
};

struct Call {
  const Request& request;
  World& world;
  Accounts& accounts;
  Moment at;
  std::string id = {};                    // what the route's {} matched
  std::optional<std::int64_t> user = {};  // of the session or access token, where there is one
  Bend bend = {};
  json::object body = {};

  Act act() const { return {at, Origin::api}; }
};

using Perform = Answer (*)(Call&);

enum class Access : std::uint8_t {
  v3_key,      // the application; a session may come along
  v3_session,  // a user's session besides
  v4_app,      // the application's bearer, no api_key
  v4_read,     // the application's or a user's bearer
  v4_user,     // a user's access token
};

struct Route {
  const char* name;
  const char* method;
  const char* path;  // "/3/list/{}/add_item"
  Access access;
  Perform perform;
};

struct Found {
  const Route* route = nullptr;  // null: see `code`
  std::string id = {};
  int code = 0;  // the status code of the refusal
};

Found find_route(std::string_view method, std::string_view path);

// The session's or token's user into the call; the status code of the refusal, 0: may pass.
int admit_caller(Call& call, Access access);

// authentication
Answer v3_new_token(Call& call);
Answer v3_new_session(Call& call);
Answer v3_convert_session(Call& call);
Answer v3_delete_session(Call& call);
Answer v3_account(Call& call);
Answer v4_new_request_token(Call& call);
Answer v4_new_access_token(Call& call);
Answer v4_delete_access_token(Call& call);
// version 3
Answer v3_create_list(Call& call);
Answer v3_get_list(Call& call);
Answer v3_add_item(Call& call);
Answer v3_remove_item(Call& call);
Answer v3_item_status(Call& call);
Answer v3_clear_list(Call& call);
Answer v3_delete_list(Call& call);
Answer v3_account_lists(Call& call);
// version 4
Answer v4_create_list(Call& call);
Answer v4_get_list(Call& call);
Answer v4_update_list(Call& call);
Answer v4_delete_list(Call& call);
Answer v4_add_items(Call& call);
Answer v4_update_items(Call& call);
Answer v4_remove_items(Call& call);
Answer v4_clear_list(Call& call);
Answer v4_item_status(Call& call);
Answer v4_account_lists(Call& call);

}  // namespace spool::standin
