#include "handlers/list_operations/list_query.hpp"

#include <charconv>

#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/shown_list.hpp"

namespace spool::list_operations {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Statement;

constexpr Statement kOfUser{
    "lists_of_user", SPOOL_SHOWN_LISTS
    " where s.tmdb_user_id = $1::integer and ($2::boolean or s.existence in ('unknown', 'exists'))"
    " and s.list_id > $3::bigint order by s.list_id limit $4"};

constexpr Statement kFind{
    "lists_find", SPOOL_SHOWN_LISTS
    " where s.list_id in (select f.id from media.lists f where f.tmdb_list_id = $1::integer"
    " or f.list_ref = $2::uuid) and ($3::integer is null or s.tmdb_user_id = $3)"
    " order by s.list_id"};

constexpr Statement kFindRows{
    "lists_find_rows",
    "select l.id from media.lists l where l.id in (select f.id from media.lists f"
    " where f.tmdb_list_id = $1::integer union all select f.id from media.lists f"
    " where f.list_ref = $2::uuid) and ($3::integer is null or l.tmdb_user_id = $3) order by l.id"};

constexpr Statement kItems{
    "lists_items",
    "select s.movie_id, s.mark, c.movie_id is not null, " SPOOL_MICROS("c.added_at")
    " from media.shown_list_items s left join media.user_list_items c"
    " on c.list_id = s.list_id and c.movie_id = s.movie_id"
    " where s.list_id = $1::bigint order by s.place limit $2"};

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
    page.lists.push_back(read_shown_list(*rows, i));
  if (rows->size() > wanted && !page.lists.empty())
    page.next = std::to_string(page.lists.back().row);
  return page;
}

Result<std::vector<ListInfo>> find_lists(postgres::Connection& connection, const ListId& id,
                                         std::optional<std::int32_t> user) {
  auto rows = connection.execute(kFind, Params::of(id.tmdb_list_id, id.list_ref, user));
  if (!rows) return rows.failure();
  std::vector<ListInfo> found;
  for (std::size_t i = 0; i < rows->size(); ++i) found.push_back(read_shown_list(*rows, i));
  return found;
}

Result<std::vector<std::int64_t>> find_list_rows(postgres::Connection& connection, const ListId& id,
                                                 std::optional<std::int32_t> user) {
  auto rows = connection.execute(kFindRows, Params::of(id.tmdb_list_id, id.list_ref, user));
  if (!rows) return rows.failure();
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < rows->size(); ++i) found.push_back(rows->int64(i, 0));
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
