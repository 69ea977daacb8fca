#include <algorithm>
#include <array>

#include "tests/tmdb/api.hpp"
#include "tests/tmdb/shapes.hpp"

namespace spool::standin {
namespace {

constexpr std::array kSortOrders{
    "original_order.asc",
    "original_order.desc",
    "vote_average.asc",
    "vote_average.desc",
    "primary_release_date.asc",
    "primary_release_date.desc",
    "title.asc",
    "title.desc",
    "release_date.asc",
    "release_date.desc",
};

// Only 0 and 1 are heard; `false` is not, and the list stays as public as it was.
void take_details(const json::object& body, ListDetails& details) {
  if (auto name = text(body, "name")) details.name = std::move(*name);
  if (auto description = text(body, "description")) details.description = std::move(*description);
  if (auto language = text(body, "iso_639_1")) details.language = std::move(*language);
  if (auto country = text(body, "iso_3166_1")) details.country = std::move(*country);
  if (auto sort_by = text(body, "sort_by")) details.sort_by = std::move(*sort_by);
  if (const auto is_public = whole_number(body, "public")) details.is_public = *is_public != 0;
}

bool known_sort(const std::string& sort_by) {
  return std::ranges::any_of(kSortOrders, [&](const char* known) { return sort_by == known; });
}

std::int64_t sort_number(const std::string& sort_by) {
  const auto* found =
      std::ranges::find_if(kSortOrders, [&](const char* known) { return sort_by == known; });
  return found - kSortOrders.begin() + 1;
}

std::optional<Item> item_of(const json::object& member) {
  const auto media_id = whole_number(member, "media_id");
  const auto type = text(member, "media_type");
  if (media_refusal(media_id) != 0 || !type || (*type != "movie" && *type != "tv")) {
    return std::nullopt;
  }
  return Item{*media_id, *type == "tv", text(member, "comment").value_or("")};
}

// One result per item of the body, in its order; the whole is a success whatever became of them.
template <typename Apply>
Answer each_item(Call& call, Apply apply) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const json::value* items = call.body.if_contains("items");
  if (items == nullptr || !items->is_array() || items->get_array().empty()) {
    return status_answer(5);
  }
  json::array results;
  for (const json::value& value : items->get_array()) {
    const json::object member = value.is_object() ? value.get_object() : json::object();
    const std::optional<Item> item = item_of(member);
    json::object result;
    for (const char* name : {"media_type", "media_id"}) {
      const json::value* given = member.if_contains(name);
      result[name] = given == nullptr ? json::value(nullptr) : *given;
    }
    if (call.bend.null_ids) result["media_id"] = nullptr;
    result["success"] = item && apply(*list, *item);
    results.push_back(std::move(result));
  }
  json::object body = status_object(1);
  body["results"] = std::move(results);
  return json_answer(200, body);
}

}  // namespace

Answer v4_create_list(Call& call) {
  ListDetails details;
  take_details(call.body, details);
  if (details.name.empty() || !text(call.body, "iso_639_1") || !known_sort(details.sort_by)) {
    return status_answer(5);
  }
  const List& list = call.world.create(*call.user, std::move(details), call.act());
  return created_answer(call, "id", list.id);
}

Answer v4_get_list(Call& call) {
  int refusal = 0;
  const List* list = readable_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  const auto page = page_of(call, list->items.size());
  if (!page) return status_answer(22);
  const auto asked = call.request.query.find("sort_by");
  const std::string& sort_by =
      asked == call.request.query.end() ? list->details.sort_by : asked->second;
  const bool backwards = sort_by == "original_order.desc";
  json::array results;
  json::object comments;
  for (std::size_t i = page->first; i < page->last; ++i) {
    const Item& item = list->items[backwards ? list->items.size() - 1 - i : i];
    results.push_back(item_shape(call, item));
    const std::string key = (item.tv ? "tv:" : "movie:") + std::to_string(item.media_id);
    comments[key] = item.comment.empty() ? json::value(nullptr) : json::value(item.comment);
  }
  const std::string user = "user" + std::to_string(list->user);
  json::object body{
      {"id", id_value(call, list->id)},
      {"name", list->details.name},
      {"description", list->details.description},
      {"public", list->details.is_public},
      {"sort_by", sort_by},
      {"item_count", list->items.size()},
      {"created_by", {{"id", Accounts::object_id(list->user)}, {"name", ""}, {"username", user}}},
      {"average_rating", 7.25},
      {"runtime", 120 * list->items.size()},
      {"revenue", 0},
      {"iso_639_1", list->details.language},
      {"iso_3166_1", list->details.country},
      {"poster_path", nullptr},
      {"backdrop_path", nullptr}};
  body["results"] = std::move(results);
  body["comments"] = std::move(comments);
  put_page(body, *page);
  return json_answer(200, body);
}

Answer v4_update_list(Call& call) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  if (call.body.empty()) return status_answer(40);
  ListDetails details = list->details;
  take_details(call.body, details);
  if (details.name.empty() || !known_sort(details.sort_by)) return status_answer(5);
  call.world.update(*list, details, call.act());
  return status_answer(12);
}

Answer v4_delete_list(Call& call) {
  return v3_delete_list(call);  // the two differ in nothing but who is let in
}

Answer v4_add_items(Call& call) {
  return each_item(call, [&](List& list, const Item& item) {
    return call.world.add(list, Item{item.media_id, item.tv}, call.act());  // PUT stores comments
  });
}

Answer v4_update_items(Call& call) {
  return each_item(call, [&](List& list, const Item& item) {
    return call.world.comment(list, item, call.act());
  });
}

Answer v4_remove_items(Call& call) {
  return each_item(call, [&](List& list, const Item& item) {
    return call.world.remove(list, item, call.act());
  });
}

Answer v4_clear_list(Call& call) {
  int refusal = 0;
  List* list = own_list(call, refusal);
  if (list == nullptr) return status_answer(refusal);
  json::object body = status_object(1);
  body["items_deleted"] = call.world.clear(*list, call.act());
  body["id"] = id_value(call, list->id);
  return json_answer(200, body);
}

Answer v4_item_status(Call& call) {
  int refusal = 0;
  const List* list = readable_list(call, refusal);
  const auto media_id = number_of(call.request, "media_id");
  const auto type = call.request.query.find("media_type");
  if (!media_id || type == call.request.query.end()) return status_answer(5);
  // No list, no right and no such item look alike.
  if (list == nullptr || !list->holds(Item{*media_id, type->second == "tv"})) {
    return status_answer(34);
  }
  json::object body = status_object(1);
  body["id"] = id_value(call, list->id);
  body["media_id"] = *media_id;
  body["media_type"] = type->second;
  return json_answer(200, body);
}

Answer v4_account_lists(Call& call) {
  if (call.id != Accounts::object_id(*call.user)) return status_answer(3);
  const auto& ids = call.world.lists_of(*call.user);
  const auto page = page_of(call, ids.size());
  if (!page) return status_answer(22);
  json::array results;
  for (std::size_t i = page->first; i < page->last; ++i) {
    const List& list = *call.world.find(ids[i]);
    // Other types than in the list itself.
    results.push_back(json::object{{"account_object_id", call.id},
                                   {"id", id_value(call, list.id)},
                                   {"name", list.details.name},
                                   {"description", list.details.description},
                                   {"public", list.details.is_public ? 1 : 0},
                                   {"sort_by", sort_number(list.details.sort_by)},
                                   {"number_of_items", list.items.size()},
                                   {"runtime", std::to_string(120 * list.items.size())},
                                   {"revenue", "0"},
                                   {"average_rating", 7.25},
                                   {"iso_639_1", list.details.language},
                                   {"iso_3166_1", list.details.country},
                                   {"adult", 0},
                                   {"featured", 0},
                                   {"poster_path", nullptr},
                                   {"backdrop_path", nullptr},
                                   {"created_at", utc_text(list.created_s)},
                                   {"updated_at", utc_text(list.updated_s)}});
  }
  json::object body{{"results", std::move(results)}};
  put_page(body, *page);
  return json_answer(200, body);
}

}  // namespace spool::standin
