#include "handlers/list_operations/list_query.hpp"

#include <array>
#include <charconv>

#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

#define SPOOL_LISTS                                                                              \
  "select s.list_id, s.tmdb_user_id, s.tmdb_list_id, s.list_ref, s.existence, s.name,"           \
  " s.description, s.public, s.language, s.complete, (select count(*)"                           \
  " from media.shown_list_items i where i.list_id = s.list_id and i.mark <> 'removing'),"        \
  " l.existence, l.name, l.description, l.public, l.language, l.complete, (select count(*)"      \
  " from media.user_list_items i where i.list_id = l.id), s.mark, s.name_pending,"               \
  " s.description_pending, s.public_pending, s.language_pending, (select count(*)"               \
  " from media.queued_list_operations q where q.list_id = l.id"                                  \
  " and q.status in ('pending', 'processing')), s.sharing_url, s.sync_status, " SPOOL_MICROS_AT( \
      "s.last_synced_at") " from media.shown_lists s join media.lists l on l.id = s.list_id"

constexpr Statement kOfUser{
    "lists_of_user", SPOOL_LISTS
    " where s.tmdb_user_id = $1::integer and ($2::boolean or s.existence in ('unknown', 'exists'))"
    " and s.list_id > $3::bigint order by s.list_id limit $4"};

constexpr Statement kFind{
    "lists_find", SPOOL_LISTS
    " where s.list_id in (select f.id from media.lists f where f.tmdb_list_id = $1::integer"
    " or f.list_ref = $2::uuid) and ($3::integer is null or s.tmdb_user_id = $3)"
    " order by s.list_id"};

#undef SPOOL_LISTS

constexpr Statement kItems{
    "lists_items",
    "select s.movie_id, s.mark, c.movie_id is not null, " SPOOL_MICROS_AT("c.added_at")
    " from media.shown_list_items s left join media.user_list_items c"
    " on c.list_id = s.list_id and c.movie_id = s.movie_id"
    " where s.list_id = $1::bigint order by s.place limit $2"};

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

ListInfo info_of(const Rows& rows, std::size_t row) {
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

template <typename Number>
std::optional<Number> whole_number(const std::string& text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < 1) return std::nullopt;
  return value;
}

}  // namespace

Result<ListId> parse_list_id(const std::string& text, const std::string& what) {
  ListId id;
  id.tmdb_list_id = whole_number<std::int32_t>(text);
  if (!id.tmdb_list_id) id.list_ref = base::parse_uuid(text);
  if (id.tmdb_list_id || id.list_ref) return id;
  return Failure(FailureKind::invalid,
                 what + ": \"" + text + "\" is neither an id of TMDB's nor a list_ref (a uuid)");
}

Result<ListPage> lists_of_user(postgres::Connection& connection, std::int32_t user, bool all,
                               std::int64_t limit, const std::string& cursor) {
  const auto after =
      cursor.empty() ? std::optional<std::int64_t>(0) : whole_number<std::int64_t>(cursor);
  if (!after) return Failure(FailureKind::invalid, "this is no cursor of a list of lists");
  auto rows = connection.execute(kOfUser, Params::of(user, all, *after, limit + 1));
  if (!rows) return rows.failure();
  ListPage page;
  const auto wanted = static_cast<std::size_t>(limit);
  for (std::size_t i = 0; i < rows->size() && i < wanted; ++i)
    page.lists.push_back(info_of(*rows, i));
  if (rows->size() > wanted && !page.lists.empty())
    page.next = std::to_string(page.lists.back().row);
  return page;
}

Result<std::vector<ListInfo>> find_lists(postgres::Connection& connection, const ListId& id,
                                         std::optional<std::int32_t> user) {
  auto rows = connection.execute(kFind, Params::of(id.tmdb_list_id, id.list_ref, user));
  if (!rows) return rows.failure();
  std::vector<ListInfo> found;
  for (std::size_t i = 0; i < rows->size(); ++i) found.push_back(info_of(*rows, i));
  return found;
}

Result<std::vector<ListItem>> list_items(postgres::Connection& connection, std::int64_t row,
                                         std::int64_t limit) {
  auto rows = connection.execute(kItems, Params::of(row, limit));
  if (!rows) return rows.failure();
  std::vector<ListItem> items;
  items.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i)
    items.push_back({rows->int32(i, 0), rows->text(i, 1), rows->boolean(i, 2), rows->int64(i, 3)});
  return items;
}

}  // namespace spool::list_operations
