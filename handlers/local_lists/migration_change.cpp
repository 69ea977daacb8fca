#include "handlers/local_lists/migration_change.hpp"

#include "engine/base/assert.hpp"
#include "engine/base/json_object.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/local_lists/migration_plan.hpp"

namespace spool::local_lists {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

constexpr const char* kHandler = "list_operations";

constexpr Statement kActive{"migration_active",
                            "select id, tmdb_user_id, state from media.list_migrations"
                            " where tmdb_user_id = $1 and state not in ('done', 'rolled_back')"
                            " for update"};
constexpr Statement kNewest{"migration_newest",
                            "select id, tmdb_user_id, state from media.list_migrations"
                            " where ($1::integer is null or tmdb_user_id = $1)"
                            " and ($2::uuid is null or id = $2)"
                            " order by created_at desc, id desc limit 1 for update"};
// Two at once: one of them is the active one.
constexpr Statement kConsent{"migration_consent",
                             "insert into media.list_migrations (tmdb_user_id, state, consented_by)"
                             " values ($1, 'consented', $2) on conflict (tmdb_user_id)"
                             " where state not in ('done', 'rolled_back') do nothing returning id"};
constexpr Statement kLoggedIn{
    "migration_logged_in",
    "select 1 from media.tmdb_sessions where tmdb_user_id = $1 and state = 'active'"};
constexpr Statement kTakeLists{
    "migration_take_lists",
    "insert into media.list_migration_lists (migration_id, list_id, list_ref, number, expected)"
    " select $1, c.id, gen_random_uuid(), row_number() over (order by c.created_at, c.id),"
    " (select count(distinct i.movie_id) from media.local_list_items i where i.list_id = c.id)"
    " from media.local_lists c where c.user_id = $2 and c.moved_at is null"};
constexpr Statement kGoOn{"migration_go_on",
                          "update media.list_migration_lists set state ="
                          " case when created then 'filling' else 'creating' end, problem = null,"
                          " updated_at = now() where migration_id = $1 and state = 'failed'"};
constexpr Statement kBecome{
    "migration_become",
    "update media.list_migrations set state = $2, updated_at = now(), error = null,"
    " started_at = case when $2 = 'running' then coalesce(started_at, now()) else started_at end,"
    " finished_at = case when $2 = 'rolled_back' then now() end where id = $1"};
constexpr Statement kConsented{"migration_consented",
                               "select tmdb_user_id from media.list_migrations"
                               " where state = 'consented' and tmdb_user_id > $1"
                               " order by tmdb_user_id limit $2"};

std::string user_text(std::int32_t user) {
  return "TMDB user " + std::to_string(user);
}

Failure conflict(std::string text) {
  return {FailureKind::conflict, std::move(text)};
}

Result<std::optional<ChangedMigration>> find(Transaction& transaction, const Statement& statement,
                                             Params params) {
  const auto rows = transaction.execute(statement, std::move(params));
  if (!rows) return rows.failure();
  if (rows->empty()) return std::optional<ChangedMigration>();
  const auto state = parse_migration_state(rows->text(0, 2));
  SPOOL_ASSERT(state.has_value(), "the table has no other states");
  return std::optional(ChangedMigration{rows->uuid(0, 0), rows->int32(0, 1), *state, false});
}

Status audit(Transaction& transaction, const store::Operator& who, const char* action,
             const ChangedMigration& migration) {
  base::JsonObject detail;
  detail.number("user_id", migration.user);
  detail.text("state", to_string(migration.state));
  return store::write_audit(transaction, who,
                            {action, kHandler, base::to_string(migration.id), detail.str()});
}

Result<ChangedMigration> become(Transaction& transaction, ChangedMigration migration,
                                MigrationState state, const char* action,
                                const store::Operator& who) {
  SPOOL_ASSERT(may_become(migration.state, state), "a legal transition of a migration");
  const auto done = transaction.execute(kBecome, Params::of(migration.id, to_string(state)));
  if (!done) return done.failure();
  migration.state = state;
  migration.changed = true;
  if (auto written = audit(transaction, who, action, migration); !written) return written.failure();
  return migration;
}

// What speaks against moving the user's lists; found before anything is asked of TMDB.
Status may_start(Transaction& transaction, std::int32_t user) {
  const auto login = transaction.execute(kLoggedIn, Params::of(user));
  if (!login) return login.failure();
  if (login->empty())
    return conflict(user_text(user) + " has no session at TMDB (spool upstream login tmdb)");
  const auto lists = planned_lists(transaction, user);
  if (!lists) return lists.failure();
  if (lists->empty())
    return Failure(FailureKind::not_found,
                   user_text(user) + " has no local list that is not at TMDB yet");
  for (const PlannedList& list : *lists) {
    if (!list.problem.empty())
      return conflict("list " + base::to_string(list.id) + ": " + list.problem +
                      " (all of them: spool lists migrate plan --user " + std::to_string(user) +
                      ")");
  }
  return {};
}

}  // namespace

Result<ChangedMigration> consent_migration(Transaction& transaction, std::int32_t user,
                                           const store::Operator& who) {
  const auto made = transaction.execute(kConsent, Params::of(user, who.actor));
  if (!made) return made.failure();
  auto active = find(transaction, kActive, Params::of(user));
  if (!active) return active.failure();
  if (!*active) return conflict("it has just ended: try again");
  ChangedMigration migration = **active;
  migration.changed = !made->empty();
  if (!migration.changed) return migration;
  if (auto done = audit(transaction, who, "list_migration.consent", migration); !done)
    return done.failure();
  return migration;
}

Result<ChangedMigration> start_migration(Transaction& transaction, std::int32_t user,
                                         const store::Operator& who) {
  const auto active = find(transaction, kActive, Params::of(user));
  if (!active) return active.failure();
  if (!*active)
    return conflict(user_text(user) + " has not consented: --consent, if the user has by now");
  const ChangedMigration& migration = **active;
  switch (migration.state) {
    case MigrationState::consented: {
      if (auto may = may_start(transaction, user); !may) return may.failure();
      const auto taken = transaction.execute(kTakeLists, Params::of(migration.id, user));
      if (!taken) return taken.failure();
      return become(transaction, migration, MigrationState::running, "list_migration.start", who);
    }
    case MigrationState::failed: {
      const auto done = transaction.execute(kGoOn, Params::of(migration.id));
      if (!done) return done.failure();
      return become(transaction, migration, MigrationState::running, "list_migration.resume", who);
    }
    case MigrationState::rolling_back:
      return conflict("the migration of " + user_text(user) + " is being rolled back");
    default:
      return migration;
  }
}

Result<ChangedMigration> roll_migration_back(Transaction& transaction,
                                             std::optional<std::int32_t> user,
                                             const std::optional<base::Uuid>& id,
                                             const store::Operator& who) {
  const auto found = find(transaction, kNewest, Params::of(user, id));
  if (!found) return found.failure();
  if (!*found) return Failure(FailureKind::not_found, "no such migration");
  const ChangedMigration& migration = **found;
  if (migration.state == MigrationState::rolling_back ||
      migration.state == MigrationState::rolled_back)
    return migration;
  if (migration.state == MigrationState::done) {
    const auto active = find(transaction, kActive, Params::of(migration.user));
    if (!active) return active.failure();
    if (*active)
      return conflict("another migration of the user is " +
                      std::string(to_string((*active)->state)) + ": " +
                      base::to_string((*active)->id));
  }
  const bool nothing_done = migration.state == MigrationState::consented;
  return become(transaction, migration,
                nothing_done ? MigrationState::rolled_back : MigrationState::rolling_back,
                nothing_done ? "list_migration.withdraw" : "list_migration.rollback", who);
}

Result<std::vector<std::int32_t>> consented_users(postgres::Connection& connection,
                                                  std::int32_t after, std::int64_t limit) {
  const auto rows = connection.execute(kConsented, Params::of(after, limit));
  if (!rows) return rows.failure();
  std::vector<std::int32_t> users;
  for (std::size_t row = 0; row < rows->size(); ++row) users.push_back(rows->int32(row, 0));
  return users;
}

}  // namespace spool::local_lists
