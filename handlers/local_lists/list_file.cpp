#include "handlers/local_lists/list_file.hpp"

#include <algorithm>
#include <utility>

namespace spool::local_lists {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool looks_like_json(std::string_view bytes) {
  const std::size_t at = bytes.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && bytes[at] == '{';
}

}  // namespace

void Gathering::problem(std::string place, std::string field, std::string why) {
  file_.problems.push_back({std::move(place), std::move(field), std::move(why)});
}

void Gathering::movie(FileMovie movie) {
  const auto [there, fresh] = places_.try_emplace(movie.movie_id, movie.place);
  if (fresh) {
    file_.movies.push_back(std::move(movie));
    return;
  }
  problem(std::move(movie.place), "movie_id",
          std::to_string(movie.movie_id) + " stands there already: " + there->second);
}

ListFile Gathering::end(FileFormat format) {
  file_.format = format;
  const bool ordered = std::ranges::all_of(
      file_.movies, [](const FileMovie& one) { return one.position.has_value(); });
  if (ordered) std::ranges::stable_sort(file_.movies, {}, &FileMovie::position);
  places_.clear();
  return std::exchange(file_, {});
}

base::Result<ListFile> read_list_file(std::string_view bytes, std::optional<FileFormat> format) {
  if (bytes.size() > kFileBytesMax)
    return base::Failure(
        base::FailureKind::invalid,
        "larger than " + std::to_string(kFileBytesMax >> 20U) + " MiB, which is the most");
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  const FileFormat wanted =
      format.value_or(looks_like_json(bytes) ? FileFormat::json : FileFormat::csv);
  Gathering gathering;
  const base::Status read = wanted == FileFormat::json ? read_list_json(bytes, gathering)
                                                       : read_list_csv(bytes, gathering);
  if (!read) return read.failure();
  return gathering.end(wanted);
}

}  // namespace spool::local_lists
