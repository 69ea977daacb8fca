// Lists as CSV: a header line names the columns, of which movie_id (or tmdb_id) must be there,
// position and added_at may be, and all others are nobody's business.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engine/base/text.hpp"
#include "handlers/local_lists/csv_rows.hpp"
#include "handlers/local_lists/list_file.hpp"

namespace spool::local_lists {
namespace {

constexpr std::size_t kShownBytesMax = 40;

template <typename Number>
std::optional<Number> whole_number(std::string_view text, Number min) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string quoted(std::string_view text) {
  return "\"" + base::printable(text, kShownBytesMax) + "\"";
}

// Where the columns stand that are asked for.
class Columns {
 public:
  explicit Columns(const CsvRow& header) {
    for (std::size_t i = 0; i < header.fields.size(); ++i) {
      const std::string name = lower(header.fields[i]);
      for (std::size_t column = 0; column < kNames.size(); ++column) {
        if (name == kNames[column] && !at_[column]) at_[column] = i;
      }
    }
  }

  // "movie_id" where both are there; empty where none is.
  std::string_view movie_name() const { return at_[0] ? kNames[0] : at_[1] ? kNames[1] : ""; }
  std::string_view movie(const CsvRow& row) const { return text(row, at_[0] ? 0 : 1); }
  std::string_view position(const CsvRow& row) const { return text(row, 2); }
  std::string_view added_at(const CsvRow& row) const { return text(row, 3); }

 private:
  static constexpr std::array<std::string_view, 4> kNames{"movie_id", "tmdb_id", "position",
                                                          "added_at"};

  std::string_view text(const CsvRow& row, std::size_t column) const {
    const auto& at = at_[column];
    return at && *at < row.fields.size() ? std::string_view(row.fields[*at]) : std::string_view();
  }

  std::array<std::optional<std::size_t>, kNames.size()> at_ = {};
};

void read_row(const CsvRow& row, const Columns& columns, Gathering& gathering) {
  FileMovie movie;
  movie.place = "line " + std::to_string(row.line);
  if (row.count > kCsvFieldsMax)
    return gathering.problem(movie.place, "line",
                             "more than " + std::to_string(kCsvFieldsMax) + " fields");
  const std::string_view id = columns.movie(row);
  const auto number = whole_number<std::int32_t>(id, 1);
  if (!number)
    return gathering.problem(movie.place, std::string(columns.movie_name()),
                             quoted(id) + " is not the id of a movie");
  movie.movie_id = *number;
  if (const std::string_view text = columns.position(row); !text.empty()) {
    movie.position = whole_number<std::int64_t>(text, std::numeric_limits<std::int64_t>::min());
    if (!movie.position)
      return gathering.problem(movie.place, "position", quoted(text) + " is not a whole number");
  }
  if (const std::string_view text = columns.added_at(row); !text.empty()) {
    movie.added_at = base::parse_rfc3339(text);
    if (!movie.added_at)
      return gathering.problem(movie.place, "added_at",
                               quoted(text) + " is not a time such as 2026-01-02T03:04:05Z");
  }
  gathering.movie(std::move(movie));
}

}  // namespace

base::Status read_list_csv(std::string_view bytes, Gathering& gathering) {
  std::optional<Columns> columns;
  std::optional<base::Failure> wrong;
  const auto refuse = [&](std::string text) {
    wrong = base::Failure(base::FailureKind::invalid, std::move(text));
    return false;
  };
  const auto open_quote = read_csv(bytes, [&](const CsvRow& row) {
    if (!columns) {
      columns.emplace(row);
      return !columns->movie_name().empty() ||
             refuse("its first line names no column movie_id or tmdb_id");
    }
    if (gathering.full())
      return refuse("more than " + std::to_string(kMoviesMax) + " lines, which is the most");
    read_row(row, *columns, gathering);
    return true;
  });
  if (wrong) return *wrong;
  if (!columns)
    return base::Failure(base::FailureKind::invalid, "empty: a line with the columns is needed");
  if (open_quote)
    gathering.problem("line " + std::to_string(*open_quote), "line",
                      "a quote begins there that never ends: nothing behind it was read");
  return {};
}

}  // namespace spool::local_lists
