#include "handlers/local_lists/list_writer.hpp"

#include <string>
#include <string_view>

#include "engine/base/text.hpp"

namespace spool::local_lists {
namespace {

std::string json_text(const std::optional<std::string>& text) {
  if (!text) return "null";
  std::string out;
  base::append_json_quoted(out, *text);
  return out;
}

std::string_view json_flag(const std::optional<bool>& flag) {
  if (!flag) return "null";
  return *flag ? "true" : "false";
}

}  // namespace

void ListWriter::begin(const list_operations::ListFields& fields) {
  if (format_ == FileFormat::csv) {
    // Numbers and times, none of which needs quotes.
    out_ << "movie_id,position,added_at\r\n";
    return;
  }
  out_ << "{\n  \"name\": " << json_text(fields.name)
       << ",\n  \"description\": " << json_text(fields.description)
       << ",\n  \"public\": " << json_flag(fields.is_public)
       << ",\n  \"language\": " << json_text(fields.language) << ",\n  \"movies\": [";
}

void ListWriter::movie(std::int32_t movie_id, std::int64_t position, base::EpochMicros added_at) {
  const std::string time = added_at == 0 ? "" : base::format_rfc3339(added_at);
  if (format_ == FileFormat::csv) {
    out_ << movie_id << ',' << position << ',' << time << "\r\n";
    return;
  }
  out_ << (any_ ? "," : "") << "\n    {\"movie_id\": " << movie_id
       << ", \"position\": " << position;
  if (!time.empty()) out_ << ", \"added_at\": \"" << time << '"';
  out_ << '}';
  any_ = true;
}

void ListWriter::end() {
  if (format_ == FileFormat::json) out_ << (any_ ? "\n  " : "") << "]\n}\n";
}

}  // namespace spool::local_lists
