#include "handlers/list_operations/shown_list.hpp"

#include <array>

namespace spool::list_operations {
namespace {

using postgres::Rows;

constexpr std::array kPendingWords{"name", "description", "public", "language"};

std::optional<std::string> optional_text(const Rows& rows, std::size_t row, std::size_t column) {
  const auto text = rows.at(row, column);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

// From that column on.
ListWords words_of(const Rows& rows, std::size_t row, std::size_t column) {
  ListWords words;
  words.existence = rows.text(row, column);
  words.name = optional_text(rows, row, column + 1);
  words.description = optional_text(rows, row, column + 2);
  if (rows.at(row, column + 3)) words.is_public = rows.boolean(row, column + 3);
  words.language = optional_text(rows, row, column + 4);
  words.complete = rows.boolean(row, column + 5);
  words.movies = rows.int64(row, column + 6);
  return words;
}

}  // namespace

ListInfo read_shown_list(const Rows& rows, std::size_t row) {
  ListInfo list;
  list.row = rows.int64(row, 0);
  list.user = rows.int32(row, 1);
  list.tmdb_list_id = read_optional_int32(rows, row, 2);
  list.list_ref = read_optional_uuid(rows, row, 3);
  list.shown = words_of(rows, row, 4);
  list.confirmed = words_of(rows, row, 11);
  list.mark = rows.text(row, 18);
  for (std::size_t i = 0; i < kPendingWords.size(); ++i) {
    if (rows.boolean(row, 19 + i)) list.pending.emplace_back(kPendingWords[i]);
  }
  list.operations = rows.int64(row, 23);
  list.sharing_url = rows.text(row, 24);
  list.sync_status = rows.text(row, 25);
  list.last_synced_at = rows.int64(row, 26);
  return list;
}

}  // namespace spool::list_operations
