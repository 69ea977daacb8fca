#include <array>

#include "tests/tmdb/api.hpp"

namespace spool::standin {
namespace {

constexpr std::array kRoutes{
    Route{"auth.token", "GET", "/3/authentication/token/new", Access::v3_key, v3_new_token},
    Route{"auth.session", "POST", "/3/authentication/session/new", Access::v3_key, v3_new_session},
    Route{"auth.convert", "POST", "/3/authentication/session/convert/4", Access::v3_key,
          v3_convert_session},
    Route{"auth.delete", "DELETE", "/3/authentication/session", Access::v3_key, v3_delete_session},
    Route{"account.get", "GET", "/3/account", Access::v3_session, v3_account},
    Route{"account.lists", "GET", "/3/account/{}/lists", Access::v3_session, v3_account_lists},
    Route{"list.create", "POST", "/3/list", Access::v3_session, v3_create_list},
    Route{"list.get", "GET", "/3/list/{}", Access::v3_key, v3_get_list},
    Route{"list.delete", "DELETE", "/3/list/{}", Access::v3_session, v3_delete_list},
    Route{"list.add", "POST", "/3/list/{}/add_item", Access::v3_session, v3_add_item},
    Route{"list.remove", "POST", "/3/list/{}/remove_item", Access::v3_session, v3_remove_item},
    Route{"list.status", "GET", "/3/list/{}/item_status", Access::v3_key, v3_item_status},
    Route{"list.clear", "POST", "/3/list/{}/clear", Access::v3_session, v3_clear_list},
    Route{"v4.auth.token", "POST", "/4/auth/request_token", Access::v4_app, v4_new_request_token},
    Route{"v4.auth.access", "POST", "/4/auth/access_token", Access::v4_app, v4_new_access_token},
    Route{"v4.auth.delete", "DELETE", "/4/auth/access_token", Access::v4_read,
          v4_delete_access_token},
    Route{"v4.account.lists", "GET", "/4/account/{}/lists", Access::v4_user, v4_account_lists},
    Route{"v4.list.create", "POST", "/4/list", Access::v4_user, v4_create_list},
    Route{"v4.list.get", "GET", "/4/list/{}", Access::v4_read, v4_get_list},
    Route{"v4.list.update", "PUT", "/4/list/{}", Access::v4_user, v4_update_list},
    Route{"v4.list.delete", "DELETE", "/4/list/{}", Access::v4_user, v4_delete_list},
    Route{"v4.list.add", "POST", "/4/list/{}/items", Access::v4_user, v4_add_items},
    Route{"v4.list.comment", "PUT", "/4/list/{}/items", Access::v4_user, v4_update_items},
    Route{"v4.list.remove", "DELETE", "/4/list/{}/items", Access::v4_user, v4_remove_items},
    Route{"v4.list.clear", "GET", "/4/list/{}/clear", Access::v4_user, v4_clear_list},
    Route{"v4.list.status", "GET", "/4/list/{}/item_status", Access::v4_read, v4_item_status},
};

// `{}` is one segment that is not empty.
bool matches(std::string_view pattern, std::string_view path, std::string& id) {
  const std::size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, hole))) return false;
  const std::size_t end = std::min(path.find('/', hole), path.size());
  if (end == hole || path.substr(end) != pattern.substr(hole + 2)) return false;
  id = path.substr(hole, end - hole);
  return true;
}

std::string value_of(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

int admit_v3(Call& call, Access access) {
  const std::string& bearer = call.request.bearer;
  const bool known = call.accounts.is_key(value_of(call.request, "api_key")) ||
                     call.accounts.is_read_token(bearer) ||
                     call.accounts.user_of_token(bearer).has_value();
  if (!known) return 7;
  if (call.request.query.contains("session_id")) {
    call.user = call.accounts.user_of_session(value_of(call.request, "session_id"));
    if (!call.user) return 3;
  }
  return access == Access::v3_session && !call.user ? 3 : 0;
}

int admit_v4(Call& call, Access access) {
  const std::string& bearer = call.request.bearer;
  if (bearer.empty()) return 7;
  call.user = call.accounts.user_of_token(bearer);
  const bool app = call.accounts.is_read_token(bearer);
  if (!call.user && !app) return 35;
  if (access == Access::v4_user && !call.user) return 36;
  return access == Access::v4_app && !app ? 7 : 0;
}

}  // namespace

Found find_route(std::string_view method, std::string_view path) {
  Found found;
  found.code = 34;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path, found.id)) continue;
    if (method == route.method) {
      found.route = &route;
      return found;
    }
    // Clearing by POST is not refused but unknown in version 4.
    if (route.perform != v4_clear_list) found.code = 42;
  }
  return found;
}

int admit_caller(Call& call, Access access) {
  const bool v3 = access == Access::v3_key || access == Access::v3_session;
  return v3 ? admit_v3(call, access) : admit_v4(call, access);
}

}  // namespace spool::standin
