#include "handlers/local_lists/migration_events.hpp"

#include <string_view>
#include <utility>

#include "engine/base/json_object.hpp"

namespace spool::local_lists {
namespace {

using base::JsonObject;
using handler::PublishedEvent;

std::string id_of(const MovedList& list, std::string_view what) {
  return "migration-" + base::to_string(list.migration) + "-" + base::to_string(list.list) + "-" +
         std::string(what);
}

PublishedEvent event(const MovedList& list, std::string id, std::string_view type,
                     const std::string& data = "{}") {
  JsonObject object;
  object.text("operation_type", type);
  object.number("tmdb_user_id", list.user);
  object.text("list_ref", base::to_string(list.ref));
  object.number("priority", 0);
  object.json("operation_data", data);
  return {std::move(id), std::string(list_operations::kEventType), std::to_string(list.user),
          object.str()};
}

}  // namespace

std::string create_id(const MovedList& list) {
  return id_of(list, "create");
}

std::string add_id_prefix(const MovedList& list) {
  return id_of(list, "add-");
}

std::string refresh_id(const MovedList& list, std::int32_t check) {
  return id_of(list, "refresh-" + std::to_string(check));
}

std::string delete_id(const MovedList& list) {
  return id_of(list, "delete");
}

PublishedEvent create_event(const MovedList& list, const list_operations::ListFields& fields) {
  JsonObject words;
  words.text("name", fields.name.value_or(""));
  words.text("description", fields.description.value_or(""));
  words.json("public", fields.is_public.value_or(true) ? "true" : "false");
  words.text("language", fields.language.value_or("en"));
  return event(list, create_id(list), "create_list", words.str());
}

PublishedEvent add_event(const MovedList& list, std::int32_t movie_id) {
  const std::string movie = std::to_string(movie_id);
  return event(list, add_id_prefix(list) + movie, "add_movie", "{\"movie_id\":" + movie + "}");
}

PublishedEvent refresh_event(const MovedList& list, std::int32_t check) {
  return event(list, refresh_id(list, check), "refresh_list");
}

PublishedEvent delete_event(const MovedList& list) {
  return event(list, delete_id(list), "delete_list");
}

}  // namespace spool::local_lists
