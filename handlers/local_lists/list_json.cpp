// Lists as JSON, as `spool lists export` writes them: one object with the list's words and its
// movies.
#include <simdjson.h>

#include <limits>
#include <utility>

#include "engine/base/text.hpp"
#include "handlers/local_lists/list_file.hpp"

namespace spool::local_lists {
namespace {

namespace dom = simdjson::dom;
using base::Failure;
using base::FailureKind;
using base::Status;

Failure invalid(std::string text) {
  return {FailureKind::invalid, std::move(text)};
}

// Null is as good as absent.
std::optional<dom::element> find(const dom::object& object, std::string_view name) {
  dom::element value;
  if (object[name].get(value) || value.is_null()) return std::nullopt;
  return value;
}

Status read_text(const dom::object& object, std::string_view name,
                 std::optional<std::string>& into) {
  const auto value = find(object, name);
  if (!value) return {};
  std::string_view text;
  if (value->get_string().get(text) || base::printable(text, text.size()) != text)
    return invalid(std::string(name) + ": not a text");
  into = std::string(text);
  return {};
}

Status read_fields(const dom::object& object, list_operations::ListFields& fields) {
  if (auto read = read_text(object, "name", fields.name); !read) return read;
  if (auto read = read_text(object, "description", fields.description); !read) return read;
  if (auto read = read_text(object, "language", fields.language); !read) return read;
  const auto value = find(object, "public");
  if (!value) return {};
  bool is_public = false;
  if (value->get_bool().get(is_public)) return invalid("public: neither true nor false");
  fields.is_public = is_public;
  return {};
}

std::optional<std::int64_t> whole_number(const dom::element& value) {
  std::int64_t number = 0;
  if (value.get_int64().get(number)) return std::nullopt;
  return number;
}

void read_movie(const dom::element& element, const std::string& place, Gathering& gathering) {
  dom::object object;
  if (element.get_object().get(object)) return gathering.problem(place, "movie", "not an object");
  FileMovie movie;
  movie.place = place;
  const bool named = find(object, "movie_id").has_value();
  const std::string name = named ? "movie_id" : "tmdb_id";
  const auto id = find(object, name);
  const auto number = id ? whole_number(*id) : std::nullopt;
  if (!number || *number < 1 || *number > std::numeric_limits<std::int32_t>::max())
    return gathering.problem(place, id ? name : "movie_id",
                             id ? "not the id of a movie" : "is missing");
  movie.movie_id = static_cast<std::int32_t>(*number);
  if (const auto value = find(object, "position")) {
    movie.position = whole_number(*value);
    if (!movie.position) return gathering.problem(place, "position", "not a whole number");
  }
  if (const auto value = find(object, "added_at")) {
    std::string_view text;
    if (!value->get_string().get(text)) movie.added_at = base::parse_rfc3339(text);
    if (!movie.added_at)
      return gathering.problem(place, "added_at", "not a time such as 2026-01-02T03:04:05Z");
  }
  gathering.movie(std::move(movie));
}

}  // namespace

Status read_list_json(std::string_view bytes, Gathering& gathering) {
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string padded(bytes);
  if (const auto error = parser.parse(padded).get(root))
    return invalid(std::string("not JSON: ") + simdjson::error_message(error));
  dom::object object;
  if (root.get_object().get(object)) return invalid("not a JSON object");
  if (auto read = read_fields(object, gathering.fields()); !read) return read;
  const auto movies = find(object, "movies");
  dom::array elements;
  if (!movies || movies->get_array().get(elements))
    return invalid("movies: an array of objects with movie_id is needed");
  std::size_t index = 0;
  for (const dom::element element : elements) {
    if (gathering.full())
      return invalid("more than " + std::to_string(kMoviesMax) + " movies, which is the most");
    std::string place = "movies[";
    place += std::to_string(index++) + "]";
    read_movie(element, place, gathering);
  }
  return {};
}

}  // namespace spool::local_lists
