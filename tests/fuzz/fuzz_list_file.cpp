// A list's file, whatever its bytes, as CSV and as JSON: a refusal with a reason, or movies that
// keep their promises and problems that say where. What was accepted is read back from what the
// writer makes of it.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "handlers/local_lists/list_file.hpp"
#include "handlers/local_lists/list_writer.hpp"

namespace {

using namespace spool;
using namespace spool::local_lists;

void check_text(const std::string& text) {
  SPOOL_ASSERT(base::printable(text, text.size()) == text, "text can be shown and stored");
}

void check_back(const ListFile& file, FileFormat format) {
  std::ostringstream out;
  ListWriter writer(out, format);
  writer.begin(file.fields);
  std::int64_t position = 0;
  for (const FileMovie& one : file.movies) writer.movie(one.movie_id, ++position, 0);
  writer.end();
  const auto back = read_list_file(out.str(), std::nullopt);
  SPOOL_ASSERT(back && back->format == format && back->problems.empty(), "what we write we read");
  SPOOL_ASSERT(
      std::ranges::equal(back->movies, file.movies, {}, &FileMovie::movie_id, &FileMovie::movie_id),
      "in the same order");
  SPOOL_ASSERT(format == FileFormat::csv || back->fields == file.fields, "with the same words");
}

void check(std::string_view bytes, std::optional<FileFormat> format) {
  const auto file = read_list_file(bytes, format);
  if (!file) {
    SPOOL_ASSERT(!file.failure().text.empty(), "a reason");
    check_text(file.failure().text);
    return;
  }
  for (const auto* text : {&file->fields.name, &file->fields.description, &file->fields.language})
    if (*text) check_text(**text);
  std::set<std::int32_t> seen;
  for (const FileMovie& one : file->movies) {
    SPOOL_ASSERT(one.movie_id > 0, "a movie has an id");
    SPOOL_ASSERT(seen.insert(one.movie_id).second, "each movie once");
  }
  for (const FileProblem& one : file->problems) {
    SPOOL_ASSERT(!one.place.empty() && !one.field.empty() && !one.why.empty(), "where and why");
    check_text(one.field);
    check_text(one.why);
  }
  check_back(*file, FileFormat::csv);
  check_back(*file, FileFormat::json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Of its own, so that the address sanitizer sees every byte that is read too far.
  const auto memory = std::make_unique<char[]>(size);
  std::copy_n(bytes, size, memory.get());
  const std::string_view text(memory.get(), size);
  check(text, FileFormat::csv);
  check(text, FileFormat::json);
  check(text, std::nullopt);
  return 0;
}
