#include "handlers/local_lists/duty_store.hpp"

#include <utility>

#include "engine/base/assert.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/status.hpp"

namespace spool::local_lists {
namespace {

using base::Result;
using base::Uuid;
using list_operations::OperationStatus;
using postgres::ArrayText;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kWorking{
    "migration_duty_working",
    "select m.id, m.tmdb_user_id, m.state, m.waiting, s.tmdb_user_id is not null,"
    " (select coalesce(sum(w.waiting), 0) from media.list_migrations w"
    " join media.tmdb_sessions a on a.tmdb_user_id = w.tmdb_user_id and a.state = 'active'"
    " where w.state in ('running', 'checking', 'rolling_back'))"
    " from media.list_migrations m left join media.tmdb_sessions s"
    " on s.tmdb_user_id = m.tmdb_user_id and s.state = 'active'"
    " where m.state in ('running', 'checking', 'rolling_back')"
    " order by (m.waiting > 0 and s.tmdb_user_id is not null) desc, m.stepped_at, m.id"
    " limit $1 for update of m skip locked"};

constexpr Statement kLists{
    "migration_duty_lists",
    "select l.migration_id, l.list_id, l.list_ref, n.tmdb_user_id, l.state, l.created, l.published,"
    " l.ended, l.done, l.failed, l.checks, l.problem, c.id is not null, c.name, c.description,"
    " c.public, c.language"
    " from unnest($1::uuid[], $2::integer[], $3::boolean[]) as n (id, tmdb_user_id, back)"
    " cross join lateral (select * from media.list_migration_lists w where w.migration_id = n.id"
    " and w.state <> 'removed' and (n.back or w.state not in ('done', 'failed'))"
    " order by w.state = 'removing' desc, w.state = 'waiting', w.number, w.list_id limit 50) l"
    " left join media.local_lists c on c.id = l.list_id"
    " order by l.migration_id, l.state = 'waiting', l.number, l.list_id"};

// Of a row that retention removed only its tombstone tells, which is laid for what has ended well
// or was called off: the reading afterwards tells which.
#define SPOOL_ANSWER(EVENT)                                                  \
  "coalesce(q.status, (select 'completed' from media.operation_tombstones t" \
  " where t.hash = media.operation_hash('spool.list_operations', " EVENT     \
  "))),"                                                                     \
  " concat_ws(': ', q.error_type, q.error_message)"
#define SPOOL_OPERATION(EVENT)                                                      \
  " left join media.queued_list_operations q on q.source = 'spool.list_operations'" \
  " and q.event_id = " EVENT

constexpr Statement kAnswers{
    "migration_duty_answers",
    "select n.event_id, " SPOOL_ANSWER(
        "n.event_id") " from unnest($1::text[]) as n (event_id)" SPOOL_OPERATION("n.event_id")};

constexpr Statement kAsked{
    "migration_duty_asked",
    "select n.list_id, i.position, i.movie_id, " SPOOL_ANSWER(
        "n.prefix || i.movie_id") " from unnest($1::uuid[], $2::integer[], $3::integer[],"
                                  " $4::text[]) as n (list_id, ended, published, prefix)"
                                  " join media.local_list_items i on i.list_id = n.list_id"
                                  " and i.position > n.ended and i.position <= n.published"
        SPOOL_OPERATION("n.prefix || i.movie_id") " order by n.list_id, i.position"};

#undef SPOOL_ANSWER
#undef SPOOL_OPERATION

constexpr Statement kNext{
    "migration_duty_next",
    "select n.list_id, i.position, i.movie_id"
    " from unnest($1::uuid[], $2::integer[], $3::integer[]) as n (list_id, after, most)"
    " cross join lateral (select * from media.local_list_items c where c.list_id = n.list_id"
    " and c.position > n.after order by c.position limit n.most) i"
    " order by n.list_id, i.position"};

constexpr Statement kDifferences{
    "migration_duty_differences",
    "select n.list_id, l.id is not null, coalesce(l.complete, false), d.missing, d.some_missing,"
    " d.further, d.some_further"
    " from unnest($1::uuid[], $2::uuid[], $3::integer[]) as n (list_id, list_ref, tmdb_user_id)"
    " left join media.lists l on l.tmdb_user_id = n.tmdb_user_id and l.list_ref = n.list_ref"
    " and l.existence = 'exists'"
    " cross join lateral (select"
    " count(*) filter (where m.there is null) as missing,"
    " array_to_string((array_agg(m.here order by m.here) filter (where m.there is null))[1:5], ', "
    "')"
    " as some_missing,"
    " count(*) filter (where m.here is null) as further,"
    " array_to_string((array_agg(m.there order by m.there) filter (where m.here is null))[1:5], ', "
    "')"
    " as some_further from (select h.movie_id as here, t.movie_id as there"
    " from (select distinct i.movie_id from media.local_list_items i where i.list_id = n.list_id) h"
    " full join (select u.movie_id from media.user_list_items u where u.list_id = l.id) t"
    " on t.movie_id = h.movie_id) m) d"};

constexpr Statement kWriteLists{
    "migration_duty_write_lists",
    "with written as (update media.list_migration_lists l set state = n.state,"
    " created = n.created, published = n.published, ended = n.ended, done = n.done,"
    " failed = n.failed, checks = n.checks, problem = n.problem, updated_at = now(),"
    " checked_at = case when l.state = 'checking' and n.state <> 'checking' then now()"
    " else l.checked_at end"
    " from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::integer[], $6::integer[],"
    " $7::integer[], $8::integer[], $9::integer[], $10::text[]) as n (migration_id, list_id,"
    " state, created, published, ended, done, failed, checks, problem)"
    " where l.migration_id = n.migration_id and l.list_id = n.list_id"
    " returning l.list_id, l.list_ref, l.state),"
    " moved as (update media.local_lists c set moved_at = now(), moved_ref = w.list_ref"
    " from written w where w.state = 'done' and c.id = w.list_id"
    " and c.moved_ref is distinct from w.list_ref returning c.id),"
    " back as (update media.local_lists c set moved_at = null, moved_ref = null"
    " from written w where w.state = 'removed' and c.id = w.list_id"
    " and c.moved_ref = w.list_ref returning c.id)"
    " select (select count(*) from written) + (select count(*) from moved)"
    " + (select count(*) from back)"};

constexpr Statement kCounts{
    "migration_duty_counts",
    "select l.migration_id, l.state, count(*) from media.list_migration_lists l"
    " where l.migration_id = any ($1::uuid[]) group by l.migration_id, l.state"};

constexpr Statement kWriteMigrations{
    "migration_duty_write_migrations",
    "update media.list_migrations m set state = n.state, waiting = n.waiting,"
    " stepped_at = clock_timestamp(), updated_at = case when m.state = n.state then m.updated_at"
    " else now() end, finished_at = case when m.state = n.state then m.finished_at"
    " when n.state in ('done', 'failed', 'rolled_back') then now() end,"
    " error = case when n.state = 'failed' then (select 'lists that failed: ' || count(*) || ', "
    "such as: ' ||"
    " min(l.problem) from media.list_migration_lists l where l.migration_id = m.id"
    " and l.state = 'failed') end"
    " from unnest($1::uuid[], $2::text[], $3::integer[]) as n (id, state, waiting)"
    " where m.id = n.id"};

template <typename State>
State state_of(std::optional<State> parsed) {
  SPOOL_ASSERT(parsed.has_value(), "the table has no other states");
  return *parsed;
}

MigrationList list_of(const Rows& rows, std::size_t row) {
  MigrationList list;
  list.moved = {rows.uuid(row, 0), rows.uuid(row, 1), rows.uuid(row, 2), rows.int32(row, 3)};
  list.state = state_of(parse_list_state(rows.text(row, 4)));
  list.created = rows.boolean(row, 5);
  list.published = rows.int32(row, 6);
  list.ended = rows.int32(row, 7);
  list.done = rows.int32(row, 8);
  list.failed = rows.int32(row, 9);
  list.checks = rows.int32(row, 10);
  list.problem = rows.text(row, 11);
  if (rows.boolean(row, 12))
    list.fields = {rows.text(row, 13), rows.text(row, 14), rows.boolean(row, 15),
                   rows.text(row, 16)};
  return list;
}

Answer answer_of(const Rows& rows, std::size_t row, std::size_t column) {
  Answer answer;
  const auto status = list_operations::parse_operation_status(rows.text(row, column));
  answer.why = rows.text(row, column + 1);
  if (status == OperationStatus::completed) answer.asked = Asked::completed;
  if (status == OperationStatus::failed) answer.asked = Asked::failed;
  if (status == OperationStatus::cancelled) answer.asked = Asked::cancelled;
  return answer;
}

std::string difference_text(const Rows& rows, std::size_t row) {
  if (!rows.boolean(row, 1)) return "TMDB does not have the list";
  if (!rows.boolean(row, 2)) return "the list could not be read as a whole";
  std::string text;
  const auto add = [&](std::size_t column, const char* what) {
    const std::int64_t count = rows.int64(row, column);
    if (count == 0) return;
    text += (text.empty() ? "" : "; ") + std::to_string(count) + what + rows.text(row, column + 1) +
            (count > 5 ? "..." : "");
  };
  add(3, " missing at TMDB: ");
  add(5, " at TMDB that are not here: ");
  return text;
}

}  // namespace

Result<WorkingMigrations> DutyStore::working(std::int32_t limit) {
  const auto rows = transaction_.execute(kWorking, Params::of(limit));
  if (!rows) return rows.failure();
  WorkingMigrations working;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    working.migrations.push_back({rows->uuid(row, 0), rows->int32(row, 1),
                                  state_of(parse_migration_state(rows->text(row, 2))),
                                  rows->int32(row, 3), rows->boolean(row, 4)});
    working.waiting = rows->int32(row, 5);
  }
  return working;
}

Result<std::vector<MigrationList>> DutyStore::lists(const std::vector<Migration>& migrations) {
  ArrayText ids;
  ArrayText users;
  ArrayText back;
  for (const Migration& one : migrations) {
    ids.add_uuid(one.id);
    users.add_int64(one.user);
    back.add_bool(one.state == MigrationState::rolling_back);
  }
  const auto rows = transaction_.execute(kLists, Params::of(ids.text(), users.text(), back.text()));
  if (!rows) return rows.failure();
  std::vector<MigrationList> lists;
  for (std::size_t row = 0; row < rows->size(); ++row) lists.push_back(list_of(*rows, row));
  return lists;
}

Result<std::map<std::string, Answer>> DutyStore::answers(const std::vector<std::string>& ids) {
  std::map<std::string, Answer> answers;
  if (ids.empty()) return answers;
  ArrayText texts;
  for (const std::string& id : ids) texts.add_text(id);
  const auto rows = transaction_.execute(kAnswers, Params::of(texts.text()));
  if (!rows) return rows.failure();
  for (std::size_t row = 0; row < rows->size(); ++row)
    answers[rows->text(row, 0)] = answer_of(*rows, row, 1);
  return answers;
}

Result<std::map<Uuid, std::vector<AskedMovie>>> DutyStore::asked(
    const std::vector<MigrationList>& lists) {
  std::map<Uuid, std::vector<AskedMovie>> asked;
  ArrayText ids;
  ArrayText ended;
  ArrayText published;
  ArrayText prefixes;
  for (const MigrationList& list : lists) {
    if (list.state != ListState::filling || list.ended == list.published) continue;
    ids.add_uuid(list.moved.list);
    ended.add_int64(list.ended);
    published.add_int64(list.published);
    prefixes.add_text(add_id_prefix(list.moved));
  }
  if (ids.size() == 0) return asked;
  const auto rows = transaction_.execute(
      kAsked, Params::of(ids.text(), ended.text(), published.text(), prefixes.text()));
  if (!rows) return rows.failure();
  for (std::size_t row = 0; row < rows->size(); ++row)
    asked[rows->uuid(row, 0)].push_back(
        {rows->int32(row, 1), rows->int32(row, 2), answer_of(*rows, row, 3)});
  return asked;
}

Result<std::map<Uuid, std::vector<NextMovie>>> DutyStore::next(
    const std::vector<PageOfMovies>& pages) {
  std::map<Uuid, std::vector<NextMovie>> next;
  if (pages.empty()) return next;
  ArrayText ids;
  ArrayText after;
  ArrayText limits;
  for (const PageOfMovies& page : pages) {
    ids.add_uuid(page.list);
    after.add_int64(page.after);
    limits.add_int64(page.limit);
  }
  const auto rows =
      transaction_.execute(kNext, Params::of(ids.text(), after.text(), limits.text()));
  if (!rows) return rows.failure();
  for (std::size_t row = 0; row < rows->size(); ++row)
    next[rows->uuid(row, 0)].push_back({rows->int32(row, 1), rows->int32(row, 2)});
  return next;
}

Result<std::map<Uuid, std::string>> DutyStore::differences(const std::vector<MovedList>& lists) {
  std::map<Uuid, std::string> differences;
  if (lists.empty()) return differences;
  ArrayText ids;
  ArrayText refs;
  ArrayText users;
  for (const MovedList& list : lists) {
    ids.add_uuid(list.list);
    refs.add_uuid(list.ref);
    users.add_int64(list.user);
  }
  const auto rows =
      transaction_.execute(kDifferences, Params::of(ids.text(), refs.text(), users.text()));
  if (!rows) return rows.failure();
  for (std::size_t row = 0; row < rows->size(); ++row)
    differences[rows->uuid(row, 0)] = difference_text(*rows, row);
  return differences;
}

Result<std::int64_t> DutyStore::write(const std::vector<MigrationList>& lists) {
  if (lists.empty()) return std::int64_t{0};
  ArrayText migrations;
  ArrayText ids;
  ArrayText states;
  ArrayText created;
  std::array<ArrayText, 5> numbers;
  ArrayText problems;
  for (const MigrationList& list : lists) {
    migrations.add_uuid(list.moved.migration);
    ids.add_uuid(list.moved.list);
    states.add_text(to_string(list.state));
    created.add_bool(list.created);
    numbers[0].add_int64(list.published);
    numbers[1].add_int64(list.ended);
    numbers[2].add_int64(list.done);
    numbers[3].add_int64(list.failed);
    numbers[4].add_int64(list.checks);
    if (list.problem.empty()) {
      problems.add_null();
    } else {
      problems.add_text(list.problem);
    }
  }
  const auto rows = transaction_.execute(
      kWriteLists, Params::of(migrations.text(), ids.text(), states.text(), created.text(),
                              numbers[0].text(), numbers[1].text(), numbers[2].text(),
                              numbers[3].text(), numbers[4].text(), problems.text()));
  if (!rows) return rows.failure();
  return rows->int64(0, 0);
}

Result<std::map<Uuid, StateCounts>> DutyStore::counts(const std::vector<Migration>& migrations) {
  std::map<Uuid, StateCounts> counts;
  ArrayText ids;
  for (const Migration& one : migrations) ids.add_uuid(one.id);
  const auto rows = transaction_.execute(kCounts, Params::of(ids.text()));
  if (!rows) return rows.failure();
  for (std::size_t row = 0; row < rows->size(); ++row) {
    const ListState state = state_of(parse_list_state(rows->text(row, 1)));
    counts[rows->uuid(row, 0)][static_cast<std::size_t>(state)] = rows->int64(row, 2);
  }
  return counts;
}

Result<std::int64_t> DutyStore::write(const std::vector<Migration>& migrations) {
  ArrayText ids;
  ArrayText states;
  ArrayText waiting;
  for (const Migration& one : migrations) {
    ids.add_uuid(one.id);
    states.add_text(to_string(one.state));
    waiting.add_int64(one.waiting);
  }
  const auto rows =
      transaction_.execute(kWriteMigrations, Params::of(ids.text(), states.text(), waiting.text()));
  if (!rows) return rows.failure();
  return rows->affected_rows();
}

}  // namespace spool::local_lists
