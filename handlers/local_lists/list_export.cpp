#include "handlers/local_lists/list_export.hpp"

#include <utility>

#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/list_query.hpp"
#include "handlers/list_operations/stored.hpp"
#include "handlers/local_lists/local_store.hpp"

namespace spool::local_lists {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Statement;

// A cursor takes no parameters; the list is handed over as a setting of the transaction.
constexpr Statement kChoose{"list_export_choose",
                            "select set_config('spool.exported_list', $1, true)"};
constexpr Statement kFetch{"list_export_fetch", "fetch forward 1000 from exported_list"};

#define SPOOL_CURSOR "declare exported_list cursor for "
#define SPOOL_CHOSEN "current_setting('spool.exported_list')"

constexpr const char* kShown =
    SPOOL_CURSOR
    "select i.movie_id::integer, row_number() over (order by i.place), " SPOOL_MICROS(
        "c.added_at") " from media.shown_list_items i left join media.user_list_items c"
                      " on c.list_id = i.list_id and c.movie_id = i.movie_id"
                      " where i.list_id = " SPOOL_CHOSEN
                      "::bigint and i.mark <> 'removing' order by i.place";
constexpr const char* kConfirmed =
    SPOOL_CURSOR "select c.movie_id, row_number() over (order by c.position), " SPOOL_MICROS(
        "c.added_at") " from media.user_list_items c where c.list_id = " SPOOL_CHOSEN
                      "::bigint order by c.position";
constexpr const char* kLocal = SPOOL_CURSOR "select c.movie_id, c.position::bigint, " SPOOL_MICROS(
    "c.added_at") " from media.local_list_items c where c.list_id = " SPOOL_CHOSEN
                  "::uuid order by c.position";

#undef SPOOL_CURSOR
#undef SPOOL_CHOSEN

const char* cursor_of(ExportedList::Kind kind) {
  switch (kind) {
    case ExportedList::Kind::shown:
      return kShown;
    case ExportedList::Kind::confirmed:
      return kConfirmed;
    case ExportedList::Kind::local:
      return kLocal;
  }
  return kShown;
}

ExportedList exported(const list_operations::ListInfo& list, bool confirmed) {
  const list_operations::ListWords& words = confirmed ? list.confirmed : list.shown;
  ExportedList out;
  out.kind = confirmed ? ExportedList::Kind::confirmed : ExportedList::Kind::shown;
  out.id = std::to_string(list.row);
  out.fields = {words.name, words.description, words.is_public, words.language};
  out.complete = words.complete;
  return out;
}

}  // namespace

Result<ExportedList> find_exported(postgres::Connection& connection, const std::string& text,
                                   std::optional<std::int32_t> user, bool confirmed) {
  const auto id = list_operations::parse_list_id(text, "LIST");
  if (!id) return id.failure();
  const auto found = list_operations::find_lists(connection, *id, user);
  if (!found) return found.failure();
  if (found->size() > 1)
    return Failure(FailureKind::conflict,
                   std::to_string(found->size()) + " users have a list " + text + ": say --user N");
  if (!found->empty()) return exported(found->front(), confirmed);
  if (id->list_ref) {
    auto local = find_local_list(connection, *id->list_ref);
    if (!local) return local.failure();
    if (*local && (!user || (*local)->user == *user)) {
      ExportedList out;
      out.kind = ExportedList::Kind::local;
      out.id = base::to_string((*local)->id);
      out.fields = (*local)->fields;
      return out;
    }
  }
  return Failure(FailureKind::not_found, "no list " + text + " is known here");
}

Result<std::int64_t> write_list(postgres::Connection& connection, const ExportedList& list,
                                ListWriter& writer) {
  auto transaction = connection.begin();
  if (!transaction) return transaction.failure();
  if (const auto chosen = (*transaction)->execute(kChoose, Params::of(list.id)); !chosen)
    return chosen.failure();
  if (auto done = (*transaction)->execute_script(cursor_of(list.kind)); !done)
    return done.failure();
  writer.begin(list.fields);
  std::int64_t movies = 0;
  for (;;) {
    const auto rows = (*transaction)->execute(kFetch);
    if (!rows) return rows.failure();
    if (rows->empty()) break;
    for (std::size_t row = 0; row < rows->size(); ++row)
      writer.movie(rows->int32(row, 0), rows->int64(row, 1), rows->int64(row, 2));
    movies += static_cast<std::int64_t>(rows->size());
  }
  writer.end();
  if (auto done = (*transaction)->commit(); !done) return done.failure();
  return movies;
}

}  // namespace spool::local_lists
