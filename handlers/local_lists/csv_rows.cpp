#include "handlers/local_lists/csv_rows.hpp"

#include <csv.h>

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::local_lists {
namespace {

struct Reading {
  const std::function<bool(const CsvRow&)>& take;
  CsvRow row = {};
  bool goes_on = true;
};

void end_field(void* bytes, std::size_t size, void* data) noexcept {
  CsvRow& row = static_cast<Reading*>(data)->row;
  if (row.count++ >= kCsvFieldsMax) return;
  row.fields.emplace_back(static_cast<const char*>(bytes), size);
}

void end_row(int, void* data) noexcept {
  Reading& reading = *static_cast<Reading*>(data);
  if (reading.goes_on) reading.goes_on = reading.take(reading.row);
  reading.row = {};
}

// Up to and with the end of the line.
std::string_view first_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

bool is_blank(std::string_view line) {
  return std::ranges::all_of(
      line, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
}

class Parser {
 public:
  Parser() { SPOOL_ASSERT(csv_init(&parser_, 0) == 0, "the parser begins"); }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void feed(std::string_view bytes, Reading& reading) {
    const std::size_t taken =
        csv_parse(&parser_, bytes.data(), bytes.size(), end_field, end_row, &reading);
    SPOOL_ASSERT(taken == bytes.size(), "without strictness every byte has a meaning");
  }
  // Whether the last quote has an end. Strictness up to then would stop at any quote within a
  // field.
  bool finish(Reading& reading) {
    csv_set_opts(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    return csv_fini(&parser_, end_field, end_row, &reading) == 0;
  }

 private:
  csv_parser parser_ = {};
};

}  // namespace

std::optional<std::size_t> read_csv(std::string_view text,
                                    const std::function<bool(const CsvRow&)>& take) {
  Parser parser;
  Reading reading{take};
  // Line by line: the parser does not say where it is.
  for (std::size_t line = 1; !text.empty() && reading.goes_on; ++line) {
    const std::string_view bytes = first_line(text);
    text.remove_prefix(bytes.size());
    // Zero: no row is under way.
    if (reading.row.line == 0 && !is_blank(bytes)) reading.row.line = line;
    parser.feed(bytes, reading);
  }
  if (!reading.goes_on) return std::nullopt;
  const std::size_t last = reading.row.line;
  if (parser.finish(reading)) return std::nullopt;
  return last;
}

}  // namespace spool::local_lists
