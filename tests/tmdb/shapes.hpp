// What lists, items and pages look like in answers, and what the routes of both versions share.
// Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/tmdb/api.hpp"

namespace spool::standin {

// Which part of `total` things the request's `page` asks for.
struct Page {
  std::int64_t number = 1;
  std::int64_t pages = 1;
  std::int64_t total = 0;
  std::size_t first = 0;
  std::size_t last = 0;  // one beyond
};
// Empty: no page that may be asked for (22).
std::optional<Page> page_of(const Call& call, std::size_t total);
void put_page(json::object& out, const Page& page);

// An id, or the null of a bent answer.
json::value id_value(const Call& call, std::int64_t id);
json::object item_shape(const Call& call, const Item& item);
// A list was created; the versions have its id under different names.
Answer created_answer(const Call& call, const char* name, std::int64_t id);

// "2026-01-02 03:04:05 UTC"
std::string utc_text(std::int64_t unix_s);

// The list of the route's id; null: `refusal` says why.
List* any_list(Call& call, int& refusal);
// The same, and it belongs to the caller.
List* own_list(Call& call, int& refusal);
// The same, and the caller may read it.
List* readable_list(Call& call, int& refusal);

// Somebody deletes a list of theirs that is gone already: an effect that changed nothing.
void note_repeated_delete(Call& call);

// No film or series has an id beyond.
inline constexpr std::int64_t kMediaIdMax = 2'000'000'000;
// 0: there is such a title; else the status code of the refusal.
int media_refusal(std::optional<std::int64_t> media_id);
std::optional<std::int64_t> number_of(const Request& request, const char* name);

}  // namespace spool::standin
