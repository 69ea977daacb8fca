// A list as a file: CSV with a header line, or one JSON object. What people bring may be anything:
// a line that is wrong is told with its place and the others are taken. Pure, any thread; times in
// microseconds since the epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::local_lists {

inline constexpr std::size_t kFileBytesMax = 16UL * 1024 * 1024;
inline constexpr std::size_t kMoviesMax = 100'000;

enum class FileFormat : std::uint8_t { csv, json };

struct FileMovie {
  std::int32_t movie_id = 0;  // > 0, each once
  std::string place = {};     // "line 7"
  std::optional<std::int64_t> position = {};
  std::optional<base::EpochMicros> added_at = {};
};

struct FileProblem {
  std::string place;  // "line 7", "movies[5]"
  std::string field;
  std::string why;
};

struct ListFile {
  FileFormat format = FileFormat::csv;
  list_operations::ListFields fields = {};  // of JSON; what they may be is not asked here
  std::vector<FileMovie> movies = {};       // in their order: of the positions, if each has one
  std::vector<FileProblem> problems = {};
};

// Without a format: an object is JSON, all else CSV. Fails (invalid) if it is no list at all, or
// larger than it may be.
base::Result<ListFile> read_list_file(std::string_view bytes, std::optional<FileFormat> format);

// For the readers of both formats: the movies and problems in the order of reading.
class Gathering {
 public:
  void problem(std::string place, std::string field, std::string why);
  // Unless it is there already, which is a problem.
  void movie(FileMovie movie);
  bool full() const { return file_.movies.size() + file_.problems.size() >= kMoviesMax; }
  list_operations::ListFields& fields() { return file_.fields; }
  ListFile end(FileFormat format);

 private:
  ListFile file_;
  std::unordered_map<std::int32_t, std::string> places_;  // by movie
};

// As the file is read; see read_list_file().
base::Status read_list_csv(std::string_view bytes, Gathering& gathering);
base::Status read_list_json(std::string_view bytes, Gathering& gathering);

}  // namespace spool::local_lists
