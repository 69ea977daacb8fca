#include "handlers/local_lists/migration_plan.hpp"

#include "engine/postgres/connection.hpp"
#include "engine/postgres/transaction.hpp"

namespace spool::local_lists {
namespace {

using base::Result;
using postgres::Params;
using postgres::Statement;

constexpr std::int64_t kMoviesOfPage = 20;  // that TMDB sends at once

// By the rules of create_list and add_movie.
#define SPOOL_PLANNED                                                                              \
  "(select c.id, c.user_id, c.name, c.created_at, i.movies, i.repeated,"                           \
  " concat_ws('; ', case when char_length(c.name) not between 1 and 255"                           \
  " then 'the name has ' || char_length(c.name) || ' characters, it may have 1 to 255' end,"       \
  " case when char_length(c.description) > 1000"                                                   \
  " then 'the description has ' || char_length(c.description) || ' characters, at most 1000' end," \
  " case when c.language !~ '^[a-z]{2}$' then 'the language is not two lower-case letters' end,"   \
  " case when i.wrong > 0 then i.wrong || ' movie ids are not above 0' end) as problem"            \
  " from media.local_lists c cross join lateral (select count(distinct w.movie_id) as movies,"     \
  " count(*) - count(distinct w.movie_id) as repeated,"                                            \
  " count(*) filter (where w.movie_id <= 0) as wrong"                                              \
  " from media.local_list_items w where w.list_id = c.id) i where c.moved_at is null"              \
  " and not exists (select 1 from media.list_migration_lists l join media.list_migrations m"       \
  " on m.id = l.migration_id and m.state not in ('done', 'rolled_back') where l.list_id = c.id)"

constexpr Statement kLists{
    "migration_plan_lists",
    "select p.id, p.name, p.movies, p.repeated, count(*) over (partition by p.name) > 1, p.problem"
    " from " SPOOL_PLANNED " and c.user_id = $1) p order by p.created_at, p.id"};

constexpr Statement kUsers{
    "migration_plan_users",
    "select p.user_id, m.state, s.tmdb_user_id is not null, count(*), sum(p.movies)::bigint,"
    " sum(1 + p.movies + greatest(1, (p.movies + $4::bigint - 1) / $4::bigint))::bigint,"
    " count(*) filter (where p.problem <> '')"
    " from " SPOOL_PLANNED
    " and c.user_id > $2 and ($1::integer is null or c.user_id = $1)) p"
    " left join media.list_migrations m on m.tmdb_user_id = p.user_id"
    " and m.state not in ('done', 'rolled_back')"
    " left join media.tmdb_sessions s on s.tmdb_user_id = p.user_id and s.state = 'active'"
    " group by p.user_id, m.state, s.tmdb_user_id order by p.user_id limit $3"};

#undef SPOOL_PLANNED

}  // namespace

Result<std::vector<PlannedList>> planned_lists(postgres::Transaction& transaction,
                                               std::int32_t user) {
  const auto rows = transaction.execute(kLists, Params::of(user));
  if (!rows) return rows.failure();
  std::vector<PlannedList> lists;
  for (std::size_t row = 0; row < rows->size(); ++row)
    lists.push_back({rows->uuid(row, 0), rows->text(row, 1), rows->int64(row, 2),
                     rows->int64(row, 3), rows->boolean(row, 4), rows->text(row, 5)});
  return lists;
}

Result<std::vector<PlannedUser>> planned_users(postgres::Connection& connection,
                                               std::optional<std::int32_t> user, std::int32_t after,
                                               std::int64_t limit) {
  const auto rows = connection.execute(kUsers, Params::of(user, after, limit, kMoviesOfPage));
  if (!rows) return rows.failure();
  std::vector<PlannedUser> users;
  for (std::size_t row = 0; row < rows->size(); ++row)
    users.push_back({rows->int32(row, 0), rows->text(row, 1), rows->boolean(row, 2),
                     rows->int64(row, 3), rows->int64(row, 4), rows->int64(row, 5),
                     rows->int64(row, 6)});
  return users;
}

std::int64_t calls_for(std::int64_t movies) {
  const std::int64_t pages = (movies + kMoviesOfPage - 1) / kMoviesOfPage;
  return 1 + movies + (pages > 0 ? pages : 1);
}

std::chrono::seconds time_for(std::int64_t calls, std::int64_t rate,
                              std::chrono::milliseconds window) {
  if (rate <= 0) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(calls) / static_cast<double>(rate) *
                                static_cast<double>(window.count()))));
}

bool is_chosen(std::int32_t user, std::int64_t percent) {
  const base::Uuid hash = base::name_uuid("list-migration share", std::to_string(user));
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8U | hash.bytes[i];
  return number % 100 < percent;
}

}  // namespace spool::local_lists
