#include "handlers/tmdb_sessions/session_commands.hpp"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/operator_input.hpp"
#include "handlers/tmdb_sessions/login_command.hpp"
#include "handlers/tmdb_sessions/login_service.hpp"
#include "handlers/tmdb_sessions/session_change.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::tmdb_sessions {
namespace {

using app::Cell;
using app::CommandContext;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;
constexpr std::int64_t kUserMax = std::numeric_limits<std::int32_t>::max();

int status(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const config::UpstreamTmdb& settings = loaded->settings.upstream.tmdb;
  const auto box = session_box(settings.session_key, settings.session_key_before);
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = (*connection)->begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto counts = count_sessions(**transaction, box ? box->mark() : "");
  if (!counts) return context.fail(counts.failure());
  const auto key_word = [](const std::string& key, bool good) {
    return std::string(key.empty() ? "missing" : good ? "given" : "unusable");
  };
  context.output().list({"service", "base_url", "api_key", "session_key", "sessions_active",
                         "sessions_expired", "sessions_of_key_before"},
                        {{std::string("tmdb"), settings.base_url, key_word(settings.api_key, true),
                          key_word(settings.session_key, box.ok()), counts->active, counts->expired,
                          box ? Cell(counts->older_key) : Cell()}},
                        "");
  return app::kOk;
}

int sessions(CommandContext& context) {
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  const auto after = context.arguments().number("after", 0, kUserMax);
  if (!after) return context.fail(after.failure());
  std::optional<State> state;
  if (const auto word = context.arguments().get("state"))
    state = *word == to_string(State::expired) ? State::expired : State::active;
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = (*connection)->begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto found = list_sessions(
      **transaction, state, static_cast<std::int32_t>(after->value_or(0)), limit->value_or(kLimit));
  if (!found) return context.fail(found.failure());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(found->size());
  for (const SessionInfo& one : *found)
    rows.push_back({std::int64_t{one.user}, std::string(to_string(one.state)),
                    app::Time{one.created_at}, app::Time{one.updated_at},
                    one.expired_at ? Cell(app::Time{*one.expired_at}) : Cell()});
  context.output().list({"user_id", "state", "created_at", "updated_at", "expired_at"}, rows,
                        "nobody is logged in");
  return app::kOk;
}

// Empty if it is ended; else the exit code.
std::optional<int> end_at_tmdb(CommandContext& context, const config::UpstreamTmdb& settings,
                               std::int32_t user) {
  const auto box = session_box(settings.session_key, settings.session_key_before);
  if (!box) return context.fail(box.failure());
  const auto service = LoginService::make(settings);
  if (!service) return context.fail(service.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = (*connection)->begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto stored = load_session(**transaction, *box, user);
  if (!stored) return context.fail(stored.failure());
  // Whoever has nothing here hears of it where the row is to be removed.
  if (!*stored) return std::nullopt;
  const auto ended = (*service)->end((*stored)->session);
  if (const auto* failure = std::get_if<tmdb::CallFailure>(&ended)) {
    context.note("nothing was changed here; --local forgets the session without asking TMDB");
    return fail_call(context, *failure);
  }
  return std::nullopt;
}

int logout(CommandContext& context) {
  const auto user = read_user(context.arguments());
  if (!user) return context.fail(user.failure());
  const auto who = read_person(context.arguments(), "logout at TMDB");
  if (!who) return context.fail(who.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const bool local = context.arguments().has("local");
  if (!local) {
    if (const auto code = end_at_tmdb(context, loaded->settings.upstream.tmdb, *user)) return *code;
  }
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = store::begin_durable(**connection);
  if (!transaction) return context.fail(transaction.failure());
  if (auto done = log_out(**transaction, *user, *who); !done) return context.fail(done.failure());
  if (auto done = (*transaction)->commit(); !done) return context.fail(done.failure());
  context.output().say("TMDB user " + std::to_string(*user) + " is logged out" +
                           (local ? " here; at TMDB the session goes on" : ""),
                       {{"service", std::string("tmdb")},
                        {"user_id", std::int64_t{*user}},
                        {"ended_at_tmdb", !local}});
  return app::kOk;
}

std::vector<app::Option> person_options(std::vector<app::Option> first) {
  return app::with(
      {{"--user", "N", "TMDB user id. Needed"}},
      app::with(std::move(first),
                {{"--reason", "TEXT", "Why; kept in the audit log"},
                 {"--actor", "NAME", "Who asks (default: the system's user and host)"}}));
}

app::Command login_entry() {
  return {.path = "upstream login tmdb",
          .help = "Log a user in, who approves on TMDB's site; what waited for it goes on",
          .options = person_options(
              {{"--api-version", "N", "Of TMDB's API (default 4)", {"3", "4"}},
               {"--wait", "TIME",
                "Ask TMDB for so long whether the user has approved, such as "
                "10m; without it, when Enter is pressed"},
               {"--session-id-file", "FILE",
                "A session of version 3 that is there already; -: "
                "stdin"},
               {"--access-token-file", "FILE", "An access token of version 4; -: stdin"},
               {"--account-object-id", "ID", "The account_id that TMDB gave with the token"}}),
          .footer =
              "Version 3 makes no private lists and changes none.\n"
              "Exit codes: 5 the login is another user's, 6 TMDB is away, 7 TMDB refuses it, or it "
              "was not\napproved.\n"
              "Examples:\n  spool upstream login tmdb --user 42\n"
              "  spool upstream login tmdb --user 42 --wait 10m\n"
              "  spool upstream login tmdb --user 42 --session-id-file - <session",
          .run = login};
}

}  // namespace

std::vector<app::Command> session_commands() {
  return {
      {.path = "upstream",
       .help = "The services that handlers call, and the users' logins there",
       .footer = "Sessions are kept sealed with upstream.tmdb.session_key, and are never shown."},
      {.path = "upstream status",
       .help = "Each service: where it is, which keys are configured, how many sessions",
       .footer = "sessions_of_key_before: until these users have logged in again,\n"
                 "upstream.tmdb.session_key_before is needed.\n"
                 "Example:\n  spool upstream status -o json",
       .run = status},
      {.path = "upstream sessions",
       .help = "Who is logged in at TMDB, by user id",
       .options = {{"--state", "WORD", "Only in this state", {"active", "expired"}},
                   {"--after", "N", "Users above this id: the next page"},
                   {"--limit", "N", "At most so many (default 50)"}},
       .footer = "expired: TMDB refuses the session, and the user's operations wait for a login.\n"
                 "Example:\n  spool upstream sessions --state expired",
       .run = sessions},
      {.path = "upstream login", .help = "Log a user in at a service"},
      login_entry(),
      {.path = "upstream logout", .help = "Log a user out of a service"},
      {.path = "upstream logout tmdb",
       .help = "End a user's session, at TMDB and here",
       .options = person_options({{"--local", "", "Only here, without asking TMDB"}}),
       .footer = "Exit codes: 4 the user is not logged in, 6 TMDB is away.\n"
                 "Example:\n  spool upstream logout tmdb --user 42",
       .run = logout},
  };
}

}  // namespace spool::tmdb_sessions
