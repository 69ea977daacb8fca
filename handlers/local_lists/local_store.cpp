#include "handlers/local_lists/local_store.hpp"

#include "engine/postgres/array_text.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::local_lists {
namespace {

using base::Result;
using postgres::Params;
using postgres::Statement;

constexpr Statement kFind{"local_lists_find",
                          "select id, user_id, name, description, public, language"
                          " from media.local_lists where id = $1::uuid"};

constexpr Statement kInsert{
    "local_lists_insert",
    "insert into media.local_lists (id, user_id, name, description, public, language)"
    " values ($1, $2, $3, coalesce($4, ''), coalesce($5, true), coalesce($6, 'en'))"
    " on conflict (id) do nothing returning id"};

constexpr Statement kInsertItems{
    "local_lists_insert_items",
    "insert into media.local_list_items (list_id, position, movie_id, added_at)"
    " select $1, n.position, n.movie_id, coalesce(" SPOOL_TIME(
        "n.added_at") ", now())"
                      " from unnest($2::integer[], $3::bigint[]) with ordinality"
                      " as n (movie_id, added_at, position)"};

}  // namespace

Result<std::optional<LocalList>> find_local_list(postgres::Connection& connection,
                                                 const base::Uuid& id) {
  const auto rows = connection.execute(kFind, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty()) return std::optional<LocalList>();
  LocalList list;
  list.id = rows->uuid(0, 0);
  list.user = rows->int32(0, 1);
  list.fields.name = rows->text(0, 2);
  list.fields.description = rows->text(0, 3);
  list.fields.is_public = rows->boolean(0, 4);
  list.fields.language = rows->text(0, 5);
  return std::optional(std::move(list));
}

Result<bool> save_local_list(postgres::Transaction& transaction, const LocalList& list,
                             const std::vector<FileMovie>& movies) {
  const auto& fields = list.fields;
  const auto inserted = transaction.execute(
      kInsert, Params::of(list.id, list.user, fields.name.value_or(""), fields.description,
                          fields.is_public, fields.language));
  if (!inserted) return inserted.failure();
  if (inserted->empty()) return false;
  postgres::ArrayText ids;
  postgres::ArrayText times;
  for (const FileMovie& movie : movies) {
    ids.add_int64(movie.movie_id);
    times.add_int64(movie.added_at.value_or(0));
  }
  const auto done =
      transaction.execute(kInsertItems, Params::of(list.id, ids.text(), times.text()));
  if (!done) return done.failure();
  return true;
}

}  // namespace spool::local_lists
