#include "tests/tmdb/shapes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace spool::standin {
namespace {

constexpr std::int64_t kPageSize = 20;
constexpr std::int64_t kPageMax = 500;

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// Some titles have no date.
std::string date_of(std::int64_t media_id) {
  constexpr std::int64_t kUndated = 13;
  if (media_id % kUndated == 0) return "";
  return std::to_string(1950 + media_id % 70) + "-0" + std::to_string(1 + media_id % 9) + "-1" +
         std::to_string(media_id % 10);
}

}  // namespace

std::optional<std::int64_t> number_of(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::nullopt : to_number(found->second);
}

std::optional<Page> page_of(const Call& call, std::size_t total) {
  Page page;
  if (call.request.query.contains("page")) {
    const auto asked = number_of(call.request, "page");
    if (!asked || *asked < 1 || *asked > kPageMax) return std::nullopt;
    page.number = *asked;
  }
  page.total = static_cast<std::int64_t>(total);
  page.pages = std::max<std::int64_t>(1, (page.total + kPageSize - 1) / kPageSize);
  page.first = std::min(total, static_cast<std::size_t>((page.number - 1) * kPageSize));
  page.last = std::min(total, page.first + static_cast<std::size_t>(kPageSize));
  if (call.bend.total_pages) {
    page.pages = *call.bend.total_pages;
    page.total = page.pages * kPageSize;
  }
  return page;
}

void put_page(json::object& out, const Page& page) {
  out["page"] = page.number;
  out["total_pages"] = page.pages;
  out["total_results"] = page.total;
}

json::value id_value(const Call& call, std::int64_t id) {
  return call.bend.null_ids ? json::value(nullptr) : json::value(id);
}

json::object item_shape(const Call& call, const Item& item) {
  const std::string title = (item.tv ? "Series " : "Movie ") + std::to_string(item.media_id);
  const std::string date = date_of(item.media_id);
  json::object shape{{"id", id_value(call, item.media_id)},
                     {"media_type", item.tv ? "tv" : "movie"},
                     {item.tv ? "name" : "title", title},
                     {item.tv ? "original_name" : "original_title", title},
                     {item.tv ? "first_air_date" : "release_date", date},
                     {"overview", "What happens in " + title + "."},
                     {"genre_ids", {18, 80}},
                     {"adult", false},
                     {"softcore", false},
                     {"popularity", 12.5},
                     {"vote_average", 7.25},
                     {"vote_count", 1234},
                     {"poster_path", "/p" + std::to_string(item.media_id) + ".jpg"},
                     {"backdrop_path", nullptr},
                     {"original_language", "en"}};
  if (item.tv) {
    shape["origin_country"] = {"US"};
  } else {
    shape["video"] = false;
  }
  return shape;
}

Answer created_answer(const Call& call, const char* name, std::int64_t id) {
  json::object body = status_object(1);
  body["status_message"] = "The item/record was created successfully.";
  body[name] = id_value(call, id);
  return json_answer(201, body);
}

std::string utc_text(std::int64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), size};
}

List* any_list(Call& call, int& refusal) {
  const auto id = to_number(call.id);
  List* list = id ? call.world.find(*id) : nullptr;
  if (list == nullptr) refusal = id ? 34 : 6;
  return list;
}

List* own_list(Call& call, int& refusal) {
  List* list = any_list(call, refusal);
  if (list == nullptr || list->user == call.user) return list;
  refusal = 38;
  return nullptr;
}

List* readable_list(Call& call, int& refusal) {
  List* list = any_list(call, refusal);
  if (list == nullptr || list->details.is_public || list->user == call.user) return list;
  refusal = 39;
  return nullptr;
}

void note_repeated_delete(Call& call) {
  const auto id = to_number(call.id);
  const List* gone = id ? call.world.remembered(*id) : nullptr;
  if (gone != nullptr && gone->deleted && gone->user == call.user)
    call.world.erase(*id, call.act());
}

int media_refusal(std::optional<std::int64_t> media_id) {
  if (!media_id || *media_id < 1) return 5;
  return *media_id > kMediaIdMax ? 34 : 0;
}

}  // namespace spool::standin
