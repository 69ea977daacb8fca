#include "engine/store/event_filter.hpp"

#include "engine/base/json_object.hpp"

namespace spool::store {
namespace {

using base::JsonObject;

void add(JsonObject& object, const char* name, const std::optional<std::string>& text) {
  if (text) object.text(name, *text);
}

void add(JsonObject& object, const char* name, const std::optional<base::EpochMicros>& time) {
  if (time) object.text(name, base::format_rfc3339(*time));
}

template <typename Items, typename Write>
void add_list(JsonObject& object, const char* name, const Items& items, Write write) {
  if (items.empty()) return;
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ",") + write(item);
  object.json(name, "[" + list + "]");
}

JsonObject words(const EventFilter& filter) {
  JsonObject object;
  add_list(object, "ids", filter.ids,
           [](const base::Uuid& id) { return "\"" + base::to_string(id) + "\""; });
  add(object, "error", filter.error);
  add(object, "topic", filter.topic);
  add(object, "fingerprint", filter.fingerprint);
  add(object, "key", filter.key);
  add(object, "event_type", filter.event_type);
  add(object, "source", filter.source);
  add(object, "state", filter.state);
  add(object, "older_than", filter.older_than);
  add(object, "until", filter.until);
  add(object, "user_field", filter.user_field);
  if (filter.partition) object.number("partition", *filter.partition);
  add_list(object, "numbers", filter.numbers,
           [](std::int64_t number) { return std::to_string(number); });
  return object;
}

}  // namespace

std::string filter_json(const EventFilter& filter) {
  JsonObject object = words(filter);
  add(object, "user", filter.user);
  return object.str();
}

std::string audit_json(const EventFilter& filter) {
  JsonObject object = words(filter);
  if (filter.user) add(object, "user_mark", std::optional(user_mark(*filter.user)));
  return object.str();
}

std::string user_mark(const std::string& user) {
  return base::to_string(base::name_uuid("user", user));
}

}  // namespace spool::store
