#include "handlers/list_operations/refresh.hpp"

#include <utility>
#include <vector>

#include "engine/base/json_object.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

std::string movies_json(const std::vector<std::int32_t>& movies) {
  std::string json = "[";
  for (const std::int32_t movie : movies) {
    if (json.size() > 1) json += ',';
    json += std::to_string(movie);
  }
  return json + "]";
}

std::string fields_json(const Differences& found) {
  std::string json = "[";
  for (const auto& [name, differs] :
       {std::pair{"name", found.name}, std::pair{"description", found.description},
        std::pair{"public", found.is_public}, std::pair{"language", found.language}}) {
    if (!differs) continue;
    if (json.size() > 1) json += ',';
    json += std::string("\"") + name + "\"";
  }
  return json + "]";
}

}  // namespace

Refreshed compared(const ListState& mirror, const ListState& fetched) {
  const bool partial = mirror.existence == Existence::unknown ||
                       (mirror.existence == Existence::exists && !mirror.complete);
  return {fetched.existence, partial, differences(mirror, fetched)};
}

std::string details_json(const Refreshed& refreshed) {
  const Differences& found = refreshed.differences;
  base::JsonObject json;
  json.json("differs", found.any() ? "true" : "false");
  json.json("partial", refreshed.partial ? "true" : "false");
  json.text("existence", to_string(refreshed.there));
  json.json("fields", fields_json(found));
  json.json("only_in_mirror", movies_json(found.only_in_mirror));
  json.json("only_at_tmdb", movies_json(found.only_fetched));
  return json.str();
}

}  // namespace spool::list_operations
