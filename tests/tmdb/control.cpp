#include "tests/tmdb/control.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "tests/tmdb/standin.hpp"

namespace spool::standin {
namespace {

Answer refused(int status, const std::string& why) {
  return json_answer(status, {{"error", why}});
}

Answer lines(std::string text) {
  return {200, std::move(text), "application/x-ndjson"};
}

std::size_t since(const Request& request) {
  const auto found = request.query.find("since");
  return found == request.query.end() ? 0 : std::strtoull(found->second.c_str(), nullptr, 10);
}

json::object list_state(const List& list) {
  json::array items;
  for (const Item& item : list.items) {
    items.push_back(json::object{{"media_type", item.tv ? "tv" : "movie"},
                                 {"media_id", item.media_id},
                                 {"comment", item.comment}});
  }
  return {{"id", list.id},
          {"user", list.user},
          {"name", list.details.name},
          {"description", list.details.description},
          {"public", list.details.is_public},
          {"items", std::move(items)}};
}

Answer all_lists(State& state) {
  json::array users;
  for (const std::int64_t user : state.world.owners()) {
    json::array lists;
    for (const std::int64_t id : state.world.lists_of(user)) {
      lists.push_back(list_state(*state.world.find(id)));
    }
    users.push_back(json::object{{"user_id", user}, {"lists", std::move(lists)}});
  }
  return json_answer(200, {{"users", std::move(users)}});
}

Answer counts(const State& state) {
  return json_answer(200, {{"requests", state.requests.size()},
                           {"effects", state.world.ledger().size()},
                           {"routes", state.requests.counts()},
                           {"faults", state.faults.describe()}});
}

Answer make_user(State& state, const json::object& body) {
  const auto user = whole_number(body, "user_id");
  if (!user || *user < 1) return refused(400, "user_id is a positive number");
  const std::string session =
      state.accounts.make_session(*user, text(body, "session_id").value_or(""));
  const std::string token =
      state.accounts.make_token(*user, text(body, "access_token").value_or(""));
  return json_answer(200, {{"user_id", *user},
                           {"session_id", session},
                           {"access_token", token},
                           {"account_object_id", Accounts::object_id(*user)}});
}

Answer expire(State& state, const std::string& credential) {
  const bool session = state.accounts.end_session(credential);
  const bool token = state.accounts.end_token(credential);
  if (!session && !token) return refused(404, "no such session or access token");
  return json_answer(200, {{"expired", credential}});
}

Answer approve(State& state, const std::string& token, const json::object& body) {
  const auto user = whole_number(body, "user_id");
  if (!user || *user < 1) return refused(400, "user_id is a positive number");
  if (!state.accounts.approve(token, *user)) return refused(404, "no such request token");
  return json_answer(200, {{"approved", token}});
}

Answer make_list(State& state, const json::object& body, const Act& act) {
  const auto user = whole_number(body, "user_id");
  ListDetails details;
  details.name = text(body, "name").value_or("");
  details.description = text(body, "description").value_or("");
  if (!user || *user < 1 || details.name.empty())
    return refused(400, "user_id and name are needed");
  if (const auto is_public = whole_number(body, "public")) details.is_public = *is_public != 0;
  return json_answer(201, list_state(state.world.create(*user, std::move(details), act)));
}

// POST /_standin/lists/{id}/{verb}
Answer change_list(State& state, std::string_view rest, const json::object& body, const Act& act) {
  std::int64_t id = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), id);
  List* list = state.world.find(id);
  if (read.ec != std::errc() || list == nullptr) return refused(404, "no such list");
  const std::string_view verb(read.ptr,
                              static_cast<std::size_t>(rest.data() + rest.size() - read.ptr));
  bool changed = true;
  if (verb == "/add" || verb == "/remove") {
    const auto media_id = whole_number(body, "media_id");
    if (!media_id) return refused(400, "media_id is needed");
    const Item item{*media_id, text(body, "media_type") == "tv"};
    changed =
        verb == "/add" ? state.world.add(*list, item, act) : state.world.remove(*list, item, act);
  } else if (verb == "/update") {
    ListDetails details = list->details;
    details.name = text(body, "name").value_or(details.name);
    details.description = text(body, "description").value_or(details.description);
    changed = state.world.update(*list, details, act);
  } else if (verb == "/clear") {
    changed = state.world.clear(*list, act) > 0;
  } else if (verb == "/delete") {
    changed = state.world.erase(id, act);
  } else {
    return refused(404, "add, remove, update, clear or delete");
  }
  return json_answer(200, {{"list_id", id}, {"changed", changed}});
}

Answer set_faults(State& state, const std::string& body) {
  const base::Status set = state.faults.set(body);
  if (!set) return refused(400, set.failure().text);
  return json_answer(200, {{"rules", state.faults.describe()}});
}

// The text between the two, if `path` has it.
std::optional<std::string> between(std::string_view path, std::string_view before,
                                   std::string_view after) {
  if (!path.starts_with(before) || !path.ends_with(after) ||
      path.size() <= before.size() + after.size()) {
    return std::nullopt;
  }
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return std::string(path);
}

Answer read(State& state, const Request& request, std::string_view path) {
  if (path == "ledger") return lines(state.world.ledger().ndjson(since(request)));
  if (path == "requests") return lines(state.requests.ndjson(since(request)));
  if (path == "state") return all_lists(state);
  if (path == "counts") return counts(state);
  return refused(404, "unknown route");
}

Answer write(State& state, const Request& request, std::string_view path, const Moment& at) {
  if (path == "faults") return set_faults(state, request.body);
  const auto body = parse_object(request.body);
  if (!body) return refused(400, "the body is no JSON object");
  const Act act{at, Origin::outside};
  if (path == "users") return make_user(state, *body);
  if (path == "lists") return make_list(state, *body, act);
  if (const auto id = between(path, "sessions/", ":expire")) return expire(state, *id);
  if (const auto id = between(path, "request_tokens/", ":approve")) {
    return approve(state, *id, *body);
  }
  if (const auto rest = between(path, "lists/", "")) return change_list(state, *rest, *body, act);
  return refused(404, "unknown route");
}

}  // namespace

Controlled control(State& state, const Request& request, const Moment& at) {
  Controlled controlled;
  Delivery& delivery = controlled.delivery;
  const std::string_view path = std::string_view(request.path).substr(sizeof("/_standin/") - 1);
  if (request.method == "GET") {
    delivery.answer = read(state, request, path);
  } else if (request.method == "DELETE" && path == "faults") {
    state.faults.clear();
    delivery.answer = json_answer(200, {});
  } else if (request.method != "POST") {
    delivery.answer = refused(405, "GET, POST or DELETE faults");
  } else if (path == "reset" || path == "resume") {
    controlled.reset = path == "reset";
    delivery.presence = Presence::back;
    delivery.answer = json_answer(200, {});
  } else if (path == "refuse") {
    const auto body = parse_object(request.body);
    delivery.presence = Presence::away;
    if (body) delivery.away_ms = whole_number(*body, "ms");
    delivery.answer = json_answer(200, {});
  } else {
    delivery.answer = write(state, request, path, at);
  }
  return controlled;
}

}  // namespace spool::standin
