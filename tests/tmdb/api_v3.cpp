#include "tests/tmdb/api.hpp"
#include "tests/tmdb/shapes.hpp"

namespace spool::standin {
namespace {

// add_item and remove_item know movies only.
std::optional<Item> movie_of(const Call& call, const char* member, int& refusal) {
  const auto media_id = whole_number(call.body, member);
  refusal = media_refusal(media_id);
  if (refusal != 0) return std::nullopt;
  return Item{*media_id};
}

json::object list_head(const Call& call, const List& list) {
  return {{"description", list.details.description},
          {"favorite_count", 0},
          {"id", id_value(call, list.id)},
          {"item_count", list.items.size()},
          {"iso_639_1", list.details.language},
          {"name", list.details.name},
          {"poster_path", nullptr}};
}

}  // namespace

Answer v3_create_list(Call& call) {
  ListDetails details;
  details.name = text(call.body, "name").value_or("");
  if (details.name.empty()) return status_answer(5);
  details.description = text(call.body, "description").value_or("");
  details.language = text(call.body, "language").value_or("en");
  const List& list = call.world.create(*call.user, std::move(details), call.act());
  return created_answer(call, "list_id", list.id);
}

Answer v3_get_list(Call& call) {
  int refusal = 0;
  const List* list = readable_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto page = page_of(call, list->items.size());
  if (!page) return status_answer(22);
  json::object body = list_head(call, *list);
  body["created_by"] = "user" + std::to_string(list->user);
  json::array items;
  for (std::size_t i = page->first; i < page->last; ++i) {
    items.push_back(item_shape(call, list->items[i]));
  }
  body["items"] = std::move(items);
  put_page(body, *page);
  return json_answer(200, body);
}

Answer v3_add_item(Call& call) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto movie = movie_of(call, "media_id", refusal);
  if (!movie) return status_answer(refusal);
  return status_answer(call.world.add(*list, *movie, call.act()) ? 12 : 8);
}

Answer v3_remove_item(Call& call) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto movie = movie_of(call, "media_id", refusal);
  if (!movie) return status_answer(refusal);
  return status_answer(call.world.remove(*list, *movie, call.act()) ? 13 : 21);
}

Answer v3_item_status(Call& call) {
  int refusal = 0;
  const List* list = readable_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto media_id = number_of(call.request, "movie_id");
  if (!media_id) return status_answer(5);
  return json_answer(
      200, {{"id", id_value(call, list->id)}, {"item_present", list->holds(Item{*media_id})}});
}

Answer v3_clear_list(Call& call) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto confirm = call.request.query.find("confirm");
  if (confirm == call.request.query.end() || confirm->second != "true") return status_answer(29);
  call.world.clear(*list, call.act());
  return status_answer(12);
}

Answer v3_delete_list(Call& call) {
  int refusal = 0;
  const List* list = own_list(call, refusal);
  if (list != nullptr) {
    call.world.erase(list->id, call.act());
    return status_answer(13);
  }
  note_repeated_delete(call);
  return status_answer(refusal);
}

Answer v3_account_lists(Call& call) {
  if (call.id != std::to_string(*call.user)) return status_answer(3);
  const auto& ids = call.world.lists_of(*call.user);
  const auto page = page_of(call, ids.size());
  if (!page) return status_answer(22);
  json::array results;
  for (std::size_t i = page->first; i < page->last; ++i) {
    json::object head = list_head(call, *call.world.find(ids[i]));
    head["list_type"] = "movie";
    results.push_back(std::move(head));
  }
  json::object body{{"results", std::move(results)}};
  put_page(body, *page);
  return json_answer(200, body);
}

}  // namespace spool::standin
