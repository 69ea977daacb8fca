// The schema of the database: what the program carries, what the database has, and the way between.
#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/base/text.hpp"
#include "engine/base/time.hpp"
#include "engine/postgres/migrator.hpp"

namespace spool::app {
namespace {

using postgres::MigrationStep;
using postgres::Migrator;

constexpr std::chrono::seconds kLockDeadline{30};
constexpr std::int64_t kCountMax = std::numeric_limits<std::int32_t>::max();

// A connection for schema changes, which may take as long as they take, and a migrator on it.
class Session {
 public:
  static base::Result<Session> open(CommandContext& context) {
    const auto& loaded = context.configuration();
    if (!loaded) return loaded.failure();
    postgres::ConnectionSettings settings = database_settings(loaded->settings.database);
    settings.application_name = "spool-migrate";
    settings.statement_timeout = std::chrono::milliseconds(0);
    settings.synchronous_commit_off = false;
    auto connection = postgres::Connection::open(settings);
    if (!connection) {
      const base::Failure& why = connection.failure();
      return base::Failure(why.kind, "database: " + why.text, why.sqlstate);
    }
    return Session(std::move(*connection));
  }

  Migrator& migrator() { return *migrator_; }

 private:
  explicit Session(std::unique_ptr<postgres::Connection> connection)
      : connection_(std::move(connection)),
        migrator_(std::make_unique<Migrator>(*connection_, postgres::embedded_migrations(),
                                             kLockDeadline)) {}

  std::unique_ptr<postgres::Connection> connection_;
  std::unique_ptr<Migrator> migrator_;
};

std::vector<std::string> lines() {
  std::vector<std::string> names;
  for (const postgres::Migration& one : postgres::embedded_migrations()) {
    if (names.empty() || names.back() != one.line) names.push_back(one.line);
  }
  return names;
}

// The line that --line names, checked; empty if it was not given.
base::Result<std::string> line_of(const Arguments& arguments) {
  const std::string line = arguments.get_or("line", "");
  const std::vector<std::string> known = lines();
  if (line.empty() || std::find(known.begin(), known.end(), line) != known.end()) return line;
  std::string text = "--line: there is no line \"" + line + "\", only";
  for (const std::string& name : known) text += " " + name;
  return base::Failure(base::FailureKind::invalid, text);
}

std::optional<int> as_int(const std::optional<std::int64_t>& number) {
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

int report(CommandContext& context, const std::vector<MigrationStep>& steps, bool dry_run,
           std::string_view when_empty) {
  if (context.arguments().has("show-sql") &&
      context.output().settings().format == OutputFormat::text) {
    for (const MigrationStep& step : steps) {
      context.output().document("-- " + step.line + "/" + std::to_string(step.version) + " " +
                                step.title + "\n" + step.sql);
    }
    return kOk;
  }
  std::vector<std::string> keys = {"line", "version", "title", "done"};
  if (!dry_run) keys.emplace_back("took_ms");
  if (context.arguments().has("show-sql")) keys.emplace_back("sql");
  std::vector<std::vector<Cell>> rows;
  for (const MigrationStep& step : steps) {
    auto& row = rows.emplace_back();
    row.assign({step.line, std::int64_t{step.version}, step.title, !dry_run});
    if (!dry_run) row.emplace_back(step.took_ms);
    if (context.arguments().has("show-sql")) row.emplace_back(step.sql);
  }
  context.output().list(keys, rows, when_empty);
  return kOk;
}

int up(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  postgres::MigrateUp request;
  const auto line = line_of(arguments);
  if (!line) return context.fail(line.failure());
  const auto to = arguments.number("to", 0, kCountMax);
  if (!to) return context.fail(to.failure());
  const auto steps = arguments.number("steps", 0, kCountMax);
  if (!steps) return context.fail(steps.failure());
  request.line = *line;
  request.to = as_int(*to);
  request.steps = as_int(*steps);
  request.dry_run = arguments.has("dry-run") || arguments.has("exit-code");
  auto session = Session::open(context);
  if (!session) return context.fail(session.failure());
  const auto done = session->migrator().up(request);
  if (!done) return context.fail(done.failure());
  const int code = report(context, *done, request.dry_run, "the database is up to date");
  return arguments.has("exit-code") && !done->empty() ? kDifferent : code;
}

int down(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  postgres::MigrateDown request;
  const auto line = line_of(arguments);
  if (!line) return context.fail(line.failure());
  if (line->empty())
    return context.fail_usage("--line LINE is needed: each line goes back on its own");
  const auto steps = arguments.number("steps", 1, kCountMax);
  if (!steps) return context.fail(steps.failure());
  request.line = *line;
  request.steps = static_cast<int>(steps->value_or(1));
  request.dry_run = arguments.has("dry-run");
  if (!request.dry_run) {
    const auto yes =
        context.confirmed("Going back drops tables of " + request.line + " with all their rows.");
    if (!yes) return context.fail(yes.failure());
    if (!*yes) return context.fail(kFailed, "nothing was done");
  }
  auto session = Session::open(context);
  if (!session) return context.fail(session.failure());
  const auto done = session->migrator().down(request);
  if (!done) return context.fail(done.failure());
  return report(context, *done, request.dry_run, "nothing is applied");
}

// What of the program is not applied yet makes --exit-code answer 8.
int status(CommandContext& context) {
  const auto line = line_of(context.arguments());
  if (!line) return context.fail(line.failure());
  auto session = Session::open(context);
  if (!session) return context.fail(session.failure());
  const auto all = session->migrator().status();
  if (!all) return context.fail(all.failure());
  std::vector<std::vector<Cell>> rows;
  bool pending = false;
  for (const postgres::MigrationStatus& one : *all) {
    if (!line->empty() && one.line != *line) continue;
    Cell applied_at;
    if (one.applied_at) {
      const auto at = base::parse_rfc3339(*one.applied_at);
      applied_at = at ? Cell(Time{*at}) : Cell(*one.applied_at);
    }
    pending = pending || !one.applied_at;
    const std::string state = !one.known ? "unknown" : one.applied_at ? "applied" : "pending";
    rows.push_back({one.line, std::int64_t{one.version}, one.title, state, applied_at});
  }
  context.output().list({"line", "version", "title", "state", "applied_at"}, rows, "no migrations");
  return pending && context.arguments().has("exit-code") ? kDifferent : kOk;
}

int list(CommandContext& context) {
  const auto line = line_of(context.arguments());
  if (!line) return context.fail(line.failure());
  const bool with_sql = context.arguments().has("show-sql");
  std::vector<std::string> keys = {"line", "version", "title", "checksum"};
  if (with_sql) keys.emplace_back("sql");
  std::vector<std::vector<Cell>> rows;
  for (const postgres::Migration& one : postgres::embedded_migrations()) {
    if (!line->empty() && one.line != *line) continue;
    if (with_sql && context.output().settings().format == OutputFormat::text) {
      context.output().document("-- " + one.line + "/" + std::to_string(one.version) + " " +
                                one.title + "\n" + one.up);
      continue;
    }
    auto& row = rows.emplace_back();
    row.assign({one.line, std::int64_t{one.version}, one.title, one.checksum});
    if (with_sql) row.emplace_back(one.up);
  }
  context.output().list(keys, rows, "");
  return kOk;
}

int validate(CommandContext& context) {
  auto session = Session::open(context);
  if (!session) return context.fail(session.failure());
  const auto problems = session->migrator().validate();
  if (!problems) return context.fail(problems.failure());
  std::vector<std::vector<Cell>> rows;
  for (const std::string& problem : *problems) rows.push_back({problem});
  context.output().list({"problem"}, rows, "the migrations are as this program knows them");
  if (rows.empty()) return kOk;
  return context.arguments().has("exit-code") ? kDifferent : kConflict;
}

const Option kLine{"--line", "LINE", "Only this line: spool (the engine) or media (the handlers)"};
const Option kDryRun{"--dry-run", "", "Say what would be done, do nothing"};
const Option kShowSql{"--show-sql", "", "Show the SQL"};
const Option kExitCode{"--exit-code", "", "Exit with 8 if something differs; changes nothing"};

}  // namespace

std::vector<Command> migrate_commands() {
  return {
      {.path = "migrate",
       .help = "Bring the schema of the database up to date, or back",
       .footer =
           "A worker runs on the schema that it knows and on the next one: migrate first, then\n"
           "replace the workers."},
      {.path = "migrate up",
       .help = "Apply what is not applied yet",
       .options = {kLine,
                   {"--to", "N", "Up to this version of each line"},
                   {"--steps", "N", "At most so many"},
                   kDryRun,
                   kShowSql,
                   kExitCode},
       .footer = "Examples:\n  spool migrate up\n  spool migrate up --dry-run --show-sql\n"
                 "  spool migrate up --exit-code   is anything pending? 8: yes",
       .run = up},
      {.path = "migrate down",
       .help = "Take back the newest migrations of a line, with their tables",
       .options = {kLine,
                   {"--steps", "N", "How many (default 1)"},
                   kDryRun,
                   kShowSql,
                   {"--yes", "", "Do not ask"}},
       .footer = "Asks on a terminal; without one it needs --yes.\n"
                 "Examples:\n  spool migrate down --line media --dry-run --show-sql\n"
                 "  spool migrate down --line media --steps 1 --yes",
       .run = down},
      {.path = "migrate status",
       .help = "What is applied and what is pending",
       .options = {kLine, kExitCode},
       .footer = "Examples:\n  spool migrate status\n  spool migrate status --exit-code -o json",
       .run = status},
      {.path = "migrate list",
       .help = "The migrations that this program carries",
       .options = {kLine, kShowSql},
       .footer = "Example:\n  spool migrate list --line spool --show-sql",
       .run = list},
      {.path = "migrate validate",
       .help = "Whether what is applied is what this program knows",
       .options = {kExitCode},
       .footer = "Exit codes: 0 it is, 5 it is not (8 with --exit-code).\n"
                 "Example:\n  spool migrate validate",
       .run = validate},
  };
}

}  // namespace spool::app
