#include "handlers/local_lists/migrate_commands.hpp"

#include <functional>
#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/operation_input.hpp"
#include "handlers/local_lists/migrate_show.hpp"
#include "handlers/local_lists/migration_change.hpp"
#include "handlers/local_lists/migration_plan.hpp"

namespace spool::local_lists {
namespace {

using app::CommandContext;
using base::Result;
using list_operations::read_user;

constexpr std::int64_t kUsersOfPage = 1000;

using Change = std::function<Result<ChangedMigration>(postgres::Transaction&)>;

// In a transaction of its own.
Result<ChangedMigration> make(postgres::Connection& connection, const Change& change) {
  auto transaction = store::begin_durable(connection);
  if (!transaction) return transaction.failure();
  auto changed = change(**transaction);
  if (!changed) return changed;
  if (auto done = (*transaction)->commit(); !done) return done.failure();
  return changed;
}

void tell(CommandContext& context, const ChangedMigration& one) {
  context.output().line({{"id", base::to_string(one.id)},
                         {"user_id", std::int64_t{one.user}},
                         {"state", std::string(to_string(one.state))},
                         {"changed", one.changed}});
}

int consent(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  if (!*user) return context.fail_usage("--user N is needed: who has consented");
  const auto who = app::read_operator(context.arguments());
  if (!who) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto done = make(**connection, [&](postgres::Transaction& transaction) {
    return consent_migration(transaction, **user, *who);
  });
  if (!done) return context.fail(done.failure());
  tell(context, *done);
  return app::kOk;
}

int start_one(CommandContext& context, postgres::Connection& connection, std::int32_t user,
              const store::Operator& who) {
  const auto done = make(connection, [&](postgres::Transaction& transaction) {
    if (context.arguments().has("consent")) {
      auto consented = consent_migration(transaction, user, who);
      if (!consented) return consented;
    }
    return start_migration(transaction, user, who);
  });
  if (!done) return context.fail(done.failure());
  tell(context, *done);
  return app::kOk;
}

// Those who have consented and are among the share. Whom something speaks against is told, and the
// others are started.
int start_all(CommandContext& context, postgres::Connection& connection, std::int64_t percent,
              const store::Operator& who) {
  std::int64_t refused = 0;
  std::int64_t others = 0;
  std::int32_t after = 0;
  for (;;) {
    const auto users = consented_users(connection, after, kUsersOfPage);
    if (!users) return context.fail(users.failure());
    if (users->empty()) break;
    after = users->back();
    for (const std::int32_t user : *users) {
      if (!is_chosen(user, percent)) {
        ++others;
        continue;
      }
      const auto done = make(connection, [&](postgres::Transaction& transaction) {
        return start_migration(transaction, user, who);
      });
      if (done) {
        tell(context, *done);
        continue;
      }
      const auto kind = done.failure().kind;
      if (kind != base::FailureKind::conflict && kind != base::FailureKind::not_found)
        return context.fail(done.failure());
      ++refused;
      context.note("user " + std::to_string(user) + ": " + done.failure().text);
    }
  }
  if (others > 0)
    context.note(std::to_string(others) +
                 " users are outside lists.migration.percent = " + std::to_string(percent));
  return refused == 0 ? app::kOk : app::kPartlyDone;
}

int start(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  const bool all = context.arguments().has("all");
  if (user->has_value() == all)
    return context.fail_usage("--user N or --all is needed: whose lists");
  if (all && context.arguments().has("consent"))
    return context.fail_usage("--consent is a user's own: it goes with --user N");
  const auto who = app::read_operator(context.arguments());
  if (!who) return context.fail(who.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  return all ? start_all(context, **connection, loaded->settings.lists.migration.percent, *who)
             : start_one(context, **connection, **user, *who);
}

int rollback(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  std::optional<base::Uuid> id;
  if (context.arguments().has("ID")) {
    const auto given = app::read_id(context.arguments(), "ID", "a migration");
    if (!given) return context.fail(given.failure());
    id = *given;
  }
  if (user->has_value() == id.has_value())
    return context.fail_usage("ID or --user N is needed, not both: which migration");
  const auto who = app::read_operator(context.arguments());
  if (!who) return context.fail(who.failure());
  const auto sure = context.confirmed("Delete the lists at TMDB that the migration created?");
  if (!sure) return context.fail(sure.failure());
  if (!*sure) return app::kOk;
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto done = make(**connection, [&](postgres::Transaction& transaction) {
    return roll_migration_back(transaction, *user, id, *who);
  });
  if (!done) return context.fail(done.failure());
  tell(context, *done);
  return app::kOk;
}

std::vector<app::Option> person_options(std::vector<app::Option> first) {
  return app::with(std::move(first),
                   {{"--reason", "TEXT", "Why; kept in the audit log. Needed"},
                    {"--actor", "NAME", "Who asks (default: the system's user and host)"}});
}

}  // namespace

std::vector<app::Command> migrate_commands() {
  return {
      {.path = "lists migrate",
       .help = "Move local lists to TMDB, and back",
       .footer = "plan, consent, start; the workers do it; status, rollback"},
      plan_command(),
      {.path = "lists migrate consent",
       .help = "Write down that a user wants it",
       .options = person_options({{"--user", "N", "TMDB user id. Needed"}}),
       .footer = "Example:\n  spool lists migrate consent --user 42 --reason 'ticket 7'",
       .run = consent},
      {.path = "lists migrate start",
       .help = "Begin, or go on with what failed",
       .options = person_options({{"--user", "N", "This TMDB user's lists"},
                                  {"--consent", "", "The user has consented: write it down"},
                                  {"--all", "",
                                   "Of all users who have consented, the share of "
                                   "lists.migration.percent"}}),
       .footer = "Exit codes: 3 some could not be started, 4 there is nothing to move, 5 something "
                 "speaks against it.\n"
                 "Examples:\n  spool lists migrate start --user 42 --consent --reason 'ticket 7'\n"
                 "  spool lists migrate start --all --reason 'second wave'",
       .run = start},
      status_command(),
      {.path = "lists migrate rollback",
       .help = "Delete at TMDB what a migration created; the local lists are as before",
       .positionals = {{"ID", "The migration", false}},
       .options =
           app::with(person_options({{"--user", "N", "The user's newest one"}}), {app::kYesOption}),
       .footer = "Example:\n  spool lists migrate rollback --user 42 --reason 'asked for' --yes",
       .run = rollback},
  };
}

}  // namespace spool::local_lists
