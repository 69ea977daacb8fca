#include "handlers/list_operations/refresh_report.hpp"

#include <algorithm>
#include <string>

#include "handlers/list_operations/operation_input.hpp"

namespace spool::list_operations {
namespace {

using app::Cell;

// What fits on a line.
constexpr std::size_t kShown = 10;

std::string outcome_of(const ListReport& report) {
  const ReadingInfo& reading = report.reading;
  if (!reading.ended()) return "waiting";
  if (!reading.read) return report.unread() ? "unread" : "gone";
  if (report.took_over) return report.to_repair() ? "changed" : "same";
  if (reading.differs) return "different";
  return reading.partial ? "partial" : "same";
}

// "550, 551 and 3 more" of a JSON array; empty: none.
std::string words_of(const std::string& array) {
  std::string text;
  std::size_t count = 0;
  std::string word;
  const auto put = [&] {
    if (word.empty()) return;
    if (++count <= kShown) text += (text.empty() ? "" : ", ") + word;
    word.clear();
  };
  for (const char c : array) {
    if (c == ',') put();
    if (c != ',' && c != '[' && c != ']' && c != ' ' && c != '"') word += c;
  }
  put();
  if (count > kShown) text += " and " + std::to_string(count - kShown) + " more";
  return text;
}

Cell array_cell(const std::string& array, bool text) {
  if (text) return text_cell(words_of(array));
  return array.empty() ? Cell() : Cell(app::Json{array});
}

std::string why_of(const ReadingInfo& reading) {
  if (reading.read) return {};
  if (reading.status == "cancelled") return "cancelled";
  if (!reading.error_type.empty()) return reading.error_type + ": " + reading.error_message;
  return reading.reason;
}

}  // namespace

void show_reports(app::CommandContext& context, const std::vector<ListReport>& reports) {
  const bool text = context.output().settings().format == app::OutputFormat::text;
  std::vector<std::vector<Cell>> rows;
  rows.reserve(reports.size());
  for (const ListReport& one : reports) {
    const ReadingInfo& reading = one.reading;
    rows.push_back({std::int64_t{one.list.tmdb_list_id}, id_cell(one.list.list_ref),
                    std::int64_t{one.list.user}, outcome_of(one), text_cell(reading.existence),
                    array_cell(reading.fields, text), array_cell(reading.only_in_mirror, text),
                    array_cell(reading.only_at_tmdb, text), text_cell(why_of(reading))});
  }
  context.output().list({"tmdb_list_id", "list_ref", "user_id", "outcome", "existence", "fields",
                         "only_in_mirror", "only_at_tmdb", "error"},
                        rows, "no list");
}

int code_of(const std::vector<ListReport>& reports) {
  const bool differs = std::ranges::any_of(
      reports, [](const ListReport& one) { return one.reading.read && one.reading.differs; });
  return differs ? app::kDifferent : app::kOk;
}

}  // namespace spool::list_operations
