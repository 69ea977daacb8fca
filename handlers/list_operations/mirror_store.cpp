#include "handlers/list_operations/mirror_store.hpp"

#include <algorithm>
#include <unordered_set>

#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr Statement kItems{
    "list_operations_items",
    "select c.list_id, c.movie_id from unnest($1::bigint[], $2::integer[]) as i (list_id, movie_id)"
    " cross join lateral (select * from media.user_list_items c where c.list_id = i.list_id"
    " and c.movie_id = i.movie_id offset 0) c order by c.list_id, c.position"};

constexpr Statement kAllItems{
    "list_operations_all_items",
    "select list_id, movie_id from media.user_list_items where list_id = any ($1::bigint[])"
    " order by list_id, position"};

// A list of the mirror that has the id of one that was just created.
constexpr Statement kClaimed{
    "list_operations_claimed",
    "select n.list_id, l.id, l.tmdb_user_id, " SPOOL_LIST_COLUMNS
    " from unnest($1::bigint[], $2::integer[]) as n (list_id, tmdb_list_id)"
    " join media.lists l on l.tmdb_list_id = n.tmdb_list_id and l.id <> n.list_id"};

// The user's own, found before we knew that it is the one: both are one list.
constexpr Statement kMoveOperations{
    "list_operations_move_operations",
    "update media.queued_list_operations q set list_id = m.to_id"
    " from unnest($1::bigint[], $2::bigint[]) as m (from_id, to_id) where q.list_id = m.from_id"};
constexpr Statement kMoveItems{
    "list_operations_move_items",
    "update media.user_list_items c set list_id = m.to_id"
    " from unnest($1::bigint[], $2::bigint[]) as m (from_id, to_id) where c.list_id = m.from_id"};
constexpr Statement kDropLists{"list_operations_drop_lists",
                               "delete from media.lists where id = any ($1::bigint[])"};
// Another user named it before there was such a list.
constexpr Statement kDisown{
    "list_operations_disown",
    "with emptied as (delete from media.user_list_items where list_id = any ($1::bigint[]))"
    " update media.lists set tmdb_list_id = null, existence = 'gone', complete = true,"
    " updated_at = now() where id = any ($1::bigint[])"};

constexpr Statement kWriteLists{
    "list_operations_confirm_lists",
    "update media.lists l set existence = n.existence, name = n.name,"
    " description = n.description, public = n.public, language = n.language,"
    " complete = n.complete, tmdb_list_id = coalesce(n.tmdb_list_id, l.tmdb_list_id),"
    " last_synced_at = case when n.synced then now() else l.last_synced_at end,"
    " sync_status = case when n.synced then 'synced' else l.sync_status end, updated_at = now()"
    " from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[],"
    " $7::boolean[], $8::integer[], $9::boolean[]) as n (id, existence, name, description, public,"
    " language, complete, tmdb_list_id, synced) where l.id = n.id"};

constexpr Statement kRemoveItems{
    "list_operations_remove_items",
    "with emptied as (delete from media.user_list_items where list_id = any ($1::bigint[])"
    " returning 1),"
    " removed as (delete from media.user_list_items c using unnest($2::bigint[], $3::integer[])"
    " as i (list_id, movie_id) where c.list_id = i.list_id and c.movie_id = i.movie_id"
    " and c.list_id <> all ($1::bigint[]) returning 1)"
    " select (select count(*) from emptied) + (select count(*) from removed)"};

constexpr Statement kAddItems{
    "list_operations_add_items",
    "insert into media.user_list_items (list_id, movie_id)"
    " select i.list_id, i.movie_id from unnest($1::bigint[], $2::integer[]) with ordinality"
    " as i (list_id, movie_id, nr) order by i.nr"
    " on conflict (list_id, movie_id) do nothing"};

struct Pairs {
  ArrayText first;
  ArrayText second;

  void add(std::int64_t a, std::int64_t b) {
    first.add_int64(a);
    second.add_int64(b);
  }
  bool empty() const { return first.size() == 0; }
  Params params() { return Params::of(first.text(), second.text()); }
};

bool has(const std::vector<std::int32_t>& movies, std::int32_t movie) {
  return std::find(movies.begin(), movies.end(), movie) != movies.end();
}

using Movies = std::unordered_set<std::int32_t>;

Movies set_of(const std::vector<std::int32_t>& movies) {
  return {movies.begin(), movies.end()};
}

}  // namespace

void MirrorStore::add(std::int64_t list, std::int32_t tmdb_user_id, const ListState& confirmed,
                      const Change& change, std::optional<std::int32_t> created) {
  List& row = list_of(list, tmdb_user_id, confirmed, created.has_value());
  row.steps.push_back({change});
  row.changes = true;
  if (created) row.created = created;
}

void MirrorStore::add_refresh(std::size_t number, std::int64_t list, std::int32_t tmdb_user_id,
                              const ListState& confirmed, const Change& change,
                              const ListState& fetched) {
  List& row = list_of(list, tmdb_user_id, confirmed, false);
  row.steps.push_back({change, &fetched, number});
  row.whole = true;
  row.changes |= !change.compare_only;
  row.synced |= !change.compare_only;
}

MirrorStore::List& MirrorStore::list_of(std::int64_t id, std::int32_t tmdb_user_id,
                                        const ListState& confirmed, bool created) {
  Lists& lists = created || created_.contains(id) ? created_ : lists_;
  const auto [at, first] = lists.try_emplace(id);
  if (first) at->second.before = confirmed;
  at->second.tmdb_user_id = tmdb_user_id;
  return at->second;
}

// What is confirmed of lists that were there comes first: one of them may turn out to be one that
// was created.
Result<std::int64_t> MirrorStore::write() {
  if (auto done = load(); !done) return done.failure();
  confirm_all(lists_);
  confirm_all(created_);
  auto rows = write(lists_);
  if (!rows || created_.empty()) return rows;
  if (auto done = claim(); !done) return done.failure();
  auto more = write(created_);
  if (!more) return more;
  return *rows + *more;
}

// Only the movies in question are looked at, but of a list that was read: the others stay, or all
// of them go.
Status MirrorStore::load() {
  Pairs items;
  ArrayText whole;
  for (const auto& [id, list] : lists_) {
    if (list.whole) whole.add_int64(id);
    for (const Step& step : list.steps) {
      if (step.change.movie_id != 0 && !list.whole) items.add(id, step.change.movie_id);
    }
  }
  if (whole.size() > 0) {
    auto rows = transaction_.execute(kAllItems, Params::of(whole.text()));
    if (!rows) return rows.failure();
    for (std::size_t i = 0; i < rows->size(); ++i)
      lists_.at(rows->int64(i, 0)).before.movies.push_back(rows->int32(i, 1));
  }
  if (items.empty()) return {};
  auto rows = transaction_.execute(kItems, items.params());
  if (!rows) return rows.failure();
  for (std::size_t i = 0; i < rows->size(); ++i) {
    std::vector<std::int32_t>& movies = lists_.at(rows->int64(i, 0)).before.movies;
    if (!has(movies, rows->int32(i, 1))) movies.push_back(rows->int32(i, 1));
  }
  return {};
}

void MirrorStore::confirm_all(Lists& lists) {
  for (auto& [id, list] : lists) {
    list.after = list.before;
    for (const Step& step : list.steps) {
      if (step.fetched != nullptr) {
        take_over(list, step);
        continue;
      }
      const Change& change = step.change;
      const bool empties =
          change.type == OperationType::clear_list || change.type == OperationType::delete_list;
      list.emptied |= empties && can_be_changed(list.after.existence);
      confirm(list.after, change);
    }
  }
}

void MirrorStore::take_over(List& list, const Step& step) {
  found_.emplace(step.number, compared(list.after, *step.fetched));
  if (!step.change.compare_only) list.after = rebased(list.after, *step.fetched);
}

// What was confirmed of the list under its id is newer than its creation.
Status MirrorStore::claim() {
  Pairs created;
  for (const auto& [id, list] : created_) created.add(id, list.created.value_or(0));
  auto rows = transaction_.execute(kClaimed, created.params());
  if (!rows) return rows.failure();
  if (rows->empty()) return {};
  Pairs moves;
  ArrayText merged;
  ArrayText disowned;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    List& list = created_.at(rows->int64(i, 0));
    claimed_.push_back(rows->int64(i, 1));
    if (rows->int32(i, 2) != list.tmdb_user_id) {
      disowned.add_int64(rows->int64(i, 1));
      continue;
    }
    moves.add(rows->int64(i, 1), rows->int64(i, 0));
    merged.add_int64(rows->int64(i, 1));
    const ListState found = read_list_state(*rows, i, 3);
    list.after.fields.overlay(found.fields);
    if (found.existence == Existence::gone) list.after.existence = Existence::gone;
  }
  if (disowned.size() > 0) {
    auto done = transaction_.execute(kDisown, Params::of(disowned.text()));
    if (!done) return done.failure();
  }
  if (moves.empty()) return {};
  for (const Statement* move : {&kMoveOperations, &kMoveItems}) {
    auto done = transaction_.execute(*move, moves.params());
    if (!done) return done.failure();
  }
  auto done = transaction_.execute(kDropLists, Params::of(merged.text()));
  return done ? Status() : Status(done.failure());
}

Result<std::int64_t> MirrorStore::write(const Lists& lists) {
  ArrayText ids;
  ArrayText existences;
  ArrayText names;
  ArrayText descriptions;
  ArrayText publics;
  ArrayText languages;
  ArrayText completes;
  ArrayText tmdb_lists;
  ArrayText synced;
  for (const auto& [id, list] : lists) {
    if (!list.changes) continue;
    const ListState& state = list.after;
    ids.add_int64(id);
    existences.add_text(to_string(state.existence));
    add_optional(names, state.fields.name);
    add_optional(descriptions, state.fields.description);
    add_optional(publics, state.fields.is_public);
    add_optional(languages, state.fields.language);
    completes.add_bool(state.complete);
    add_optional(tmdb_lists, list.created);
    synced.add_bool(list.synced);
  }
  if (ids.size() == 0) return std::int64_t{0};
  auto rows = transaction_.execute(
      kWriteLists,
      Params::of(ids.text(), existences.text(), names.text(), descriptions.text(), publics.text(),
                 languages.text(), completes.text(), tmdb_lists.text(), synced.text()));
  if (!rows) return rows.failure();
  auto items = write_items(lists);
  if (!items) return items;
  return rows->affected_rows() + *items;
}

Result<std::int64_t> MirrorStore::write_items(const Lists& lists) {
  ArrayText emptied;
  Pairs removed;
  Pairs added;
  for (const auto& [id, list] : lists) {
    if (list.emptied) emptied.add_int64(id);
    const Movies before = set_of(list.before.movies);
    const Movies after = set_of(list.after.movies);
    for (const std::int32_t movie : list.before.movies) {
      if (!list.emptied && !after.contains(movie)) removed.add(id, movie);
    }
    for (const std::int32_t movie : list.after.movies) {
      if (list.emptied || !before.contains(movie)) added.add(id, movie);
    }
  }
  std::int64_t count = 0;
  if (emptied.size() > 0 || !removed.empty()) {
    auto rows = transaction_.execute(
        kRemoveItems, Params::of(emptied.text(), removed.first.text(), removed.second.text()));
    if (!rows) return rows.failure();
    count += rows->int64(0, 0);
  }
  if (added.empty()) return count;
  auto rows = transaction_.execute(kAddItems, added.params());
  if (!rows) return rows.failure();
  return count + rows->affected_rows();
}

}  // namespace spool::list_operations
