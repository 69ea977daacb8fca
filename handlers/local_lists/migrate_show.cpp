#include "handlers/local_lists/migrate_show.hpp"

#include <limits>
#include <string>

#include "engine/app/command_context.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/operation_input.hpp"
#include "handlers/local_lists/migration_plan.hpp"
#include "handlers/local_lists/migration_query.hpp"

namespace spool::local_lists {
namespace {

using app::Cell;
using app::CommandContext;
using list_operations::read_user;
using list_operations::text_cell;
using list_operations::time_cell;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;

std::int64_t seconds_for(std::int64_t calls, const config::Settings& settings) {
  const auto& tmdb = settings.upstream.tmdb;
  return time_for(calls, tmdb.rate, tmdb.window).count();
}

int plan_of_user(CommandContext& context, postgres::Connection& connection,
                 const config::Settings& settings, std::int32_t user) {
  const auto users = planned_users(connection, user, 0, 1);
  if (!users) return context.fail(users.failure());
  if (users->empty())
    return context.fail(app::kNotFound,
                        "TMDB user " + std::to_string(user) +
                            " has no local list that could be moved and is not being moved");
  auto transaction = connection.begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto lists = planned_lists(**transaction, user);
  if (!lists) return context.fail(lists.failure());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(lists->size());
  for (const PlannedList& one : *lists)
    rows.push_back({base::to_string(one.id), one.name, one.movies, one.repeated, one.same_name,
                    calls_for(one.movies), text_cell(one.problem)});
  context.output().list({"list_id", "name", "movies", "repeated", "same_name", "calls", "problem"},
                        rows, "no list");
  const PlannedUser& one = users->front();
  if (!one.logged_in) context.note("the user has no session at TMDB: spool upstream login tmdb");
  if (!one.state.empty()) context.note("a migration of the user is " + one.state);
  context.note(std::to_string(one.calls) + " calls, about " +
               std::to_string(seconds_for(one.calls, settings)) + " s if nobody else calls");
  return one.problems == 0 && one.logged_in ? app::kOk : app::kConflict;
}

int plan_of_all(CommandContext& context, postgres::Connection& connection,
                const config::Settings& settings) {
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  const auto after =
      context.arguments().number("after", 0, std::numeric_limits<std::int32_t>::max());
  if (!after) return context.fail(after.failure());
  const std::int64_t most = limit->value_or(kLimit);
  const auto users =
      planned_users(connection, std::nullopt, static_cast<std::int32_t>(after->value_or(0)), most);
  if (!users) return context.fail(users.failure());
  std::vector<std::vector<Cell>> rows;
  std::int64_t calls = 0;
  for (const PlannedUser& one : *users) {
    rows.push_back({std::int64_t{one.user}, text_cell(one.state), one.logged_in,
                    is_chosen(one.user, settings.lists.migration.percent), one.lists, one.movies,
                    one.problems, one.calls});
    calls += one.calls;
  }
  context.output().list(
      {"user_id", "state", "logged_in", "chosen", "lists", "movies", "problems", "calls"}, rows,
      "nobody has a local list that is not at TMDB");
  context.note(std::to_string(calls) + " calls, about " +
               std::to_string(seconds_for(calls, settings)) + " s if nobody else calls");
  if (static_cast<std::int64_t>(users->size()) == most)
    context.note("more: --after " + std::to_string(users->back().user));
  return app::kOk;
}

int plan(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  if (user->has_value() == context.arguments().has("all"))
    return context.fail_usage("--user N or --all is needed: whose lists");
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  return *user ? plan_of_user(context, **connection, loaded->settings, **user)
               : plan_of_all(context, **connection, loaded->settings);
}

int show_lists(CommandContext& context, postgres::Connection& connection,
               const MigrationInfo& one) {
  const auto lists = moved_lists(connection, one.id);
  if (!lists) return context.fail(lists.failure());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(lists->size());
  for (const MovedListInfo& list : *lists)
    rows.push_back({base::to_string(list.list), base::to_string(list.list_ref),
                    text_cell(list.name), list.state, list.expected, list.done, list.failed,
                    time_cell(list.checked_at), text_cell(list.problem)});
  context.output().list(
      {"list_id", "list_ref", "name", "state", "movies", "done", "failed", "checked_at", "problem"},
      rows, "no list");
  context.note("migration " + base::to_string(one.id) + " of TMDB user " +
               std::to_string(one.user) + ": " + one.state +
               (one.problem.empty() ? "" : ", " + one.problem) +
               (one.logged_in ? "" : "; the user has no session at TMDB"));
  return app::kOk;
}

int status(CommandContext& context) {
  const app::Arguments& arguments = context.arguments();
  MigrationFilter filter;
  const auto user = read_user(arguments, "user");
  if (!user) return context.fail(user.failure());
  filter.user = *user;
  filter.state = arguments.get("state");
  const bool lists = arguments.has("lists");
  if (lists && !filter.user) return context.fail_usage("--lists goes with --user N");
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page = migration_page(**connection, filter, lists ? 1 : limit->value_or(kLimit),
                                   arguments.get_or("cursor", ""));
  if (!page) return context.fail(page.failure());
  if (lists)
    return page->migrations.empty() ? context.fail(app::kNotFound, "no migration")
                                    : show_lists(context, **connection, page->migrations.front());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(page->migrations.size());
  for (const MigrationInfo& one : page->migrations)
    rows.push_back({base::to_string(one.id), std::int64_t{one.user}, one.state, one.logged_in,
                    one.lists, one.lists_done, one.lists_failed, one.movies, one.movies_done,
                    one.waiting, time_cell(one.created_at), time_cell(one.updated_at),
                    time_cell(one.finished_at), text_cell(one.problem)});
  context.output().page(
      {"id", "user_id", "state", "logged_in", "lists", "lists_done", "lists_failed", "movies",
       "movies_done", "waiting", "created_at", "updated_at", "finished_at", "problem"},
      rows, "no migration", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return app::kOk;
}

}  // namespace

app::Command plan_command() {
  return {.path = "lists migrate plan",
          .help = "What would be moved, what speaks against it, how many calls it takes",
          .options = {{"--user", "N", "This TMDB user's lists"},
                      {"--all", "", "Every user with local lists, one line each"},
                      {"--limit", "N", "At most so many users (default 50)"},
                      {"--after", "N", "Only users with higher ids"}},
          .footer =
              "repeated: rows of a movie that is on the list already; it is moved once. chosen: "
              "among the\nshare of lists.migration.percent.\n"
              "Exit codes: 4 there is nothing to move, 5 something speaks against it.\n"
              "Examples:\n  spool lists migrate plan --user 42\n  spool lists migrate plan --all",
          .run = plan};
}

app::Command status_command() {
  return {.path = "lists migrate status",
          .help = "How the moving of local lists stands",
          .options = {{"--user", "N", "Only of this TMDB user"},
                      {"--state",
                       "WORD",
                       "Only in this state",
                       {"consented", "running", "checking", "done", "failed", "rolling_back",
                        "rolled_back"}},
                      {"--lists", "", "The lists of the user's newest migration"},
                      {"--limit", "N", "At most so many (default 50)"},
                      {"--cursor", "CURSOR", "Go on where the page before ended"}},
          .footer =
              "waiting: operations that were asked for and have not ended.\n"
              "Example:\n  spool lists migrate status --user 42 --lists",
          .run = status};
}

}  // namespace spool::local_lists
