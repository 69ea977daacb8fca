// What is kept of a person, on request removed from what waits and from what died.
#include "engine/app/command_watch.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/operator_change.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/base/text.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using delivery::CommandKind;
using store::GivenCommand;

struct HandlerWithUsers {
  std::string name;
  std::string user_field;
};

// The handlers that say where the user stands in their events; of those the one that --handler
// names.
Result<std::vector<HandlerWithUsers>> handlers_of(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  const auto registry = context.program().handlers(loaded->settings);
  if (!registry) return registry.failure();
  const auto wanted = context.arguments().get("handler");
  std::vector<HandlerWithUsers> found;
  std::vector<std::string> names;
  for (const handler::Handler& one : registry->all()) {
    names.push_back(one.spec.name);
    if (wanted && *wanted != one.spec.name) continue;
    if (!one.spec.user_field.empty()) found.push_back({one.spec.name, one.spec.user_field});
  }
  if (!found.empty()) return found;
  if (!wanted)
    return Failure(FailureKind::invalid, "no handler says where a user stands in its events");
  if (registry->find(*wanted) != nullptr)
    return Failure(FailureKind::invalid,
                   *wanted + " does not say where a user stands in its events");
  const std::string meant = base::nearest(*wanted, names);
  return Failure(FailureKind::invalid, "no handler is called \"" + *wanted + "\"" +
                                           (meant.empty() ? "" : ", did you mean " + meant + "?"));
}

store::CommandRequest request_of(const HandlerWithUsers& handler, const std::string& user) {
  store::CommandRequest request;
  request.kind = CommandKind::erase;
  request.filter.handler = handler.name;
  request.filter.user_field = handler.user_field;
  request.filter.user = user;
  return request;
}

Result<std::vector<GivenCommand>> count(postgres::Connection& connection,
                                        const std::vector<HandlerWithUsers>& handlers,
                                        const std::string& user) {
  std::vector<GivenCommand> all;
  for (const HandlerWithUsers& handler : handlers) {
    auto counted = store::count_commands(connection, request_of(handler, user));
    if (!counted) return counted.failure();
    all.insert(all.end(), counted->begin(), counted->end());
  }
  return all;
}

int dry_run(CommandContext& context, const std::vector<GivenCommand>& counted) {
  std::vector<std::vector<Cell>> rows;
  rows.reserve(counted.size());
  for (const GivenCommand& one : counted) rows.push_back({one.handler, one.matched, one.lanes});
  context.output().list({"handler", "matched", "lanes"}, rows, "nothing is kept of this user");
  context.note("nothing was done: --dry-run");
  return kOk;
}

// Waits for the end; what has ended keeps only the mark of the user.
int finish(CommandContext& context, postgres::Connection& connection,
           const std::vector<GivenCommand>& given, std::chrono::milliseconds wait) {
  const int code = finish_commands(context, connection, given, wait);
  if (auto done = store::forget_ended_users(connection); !done) return context.fail(done.failure());
  if (code != kOk)
    context.note(
        "until it has ended the command itself names the user; the next `privacy erase` removes "
        "it");
  return code;
}

int erase(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const std::string user = arguments.get_or("user", "");
  if (user.empty() || base::printable(user, user.size()) != user)
    return context.fail_usage("--user USER is needed, as UTF-8 text");
  const bool dry = arguments.has("dry-run");
  const auto who = read_operator(arguments);
  if (!who && !dry) return context.fail(who.failure());
  const auto wait = read_wait(arguments);
  if (!wait) return context.fail(wait.failure());
  const auto handlers = handlers_of(context);
  if (!handlers) return context.fail(handlers.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  if (auto done = store::forget_ended_users(**connection); !done)
    return context.fail(done.failure());
  const auto counted = count(**connection, *handlers, user);
  if (!counted) return context.fail(counted.failure());
  if (dry) return dry_run(context, *counted);
  if (counted->empty()) {
    context.output().list({"id", "kind", "handler", "state", "matched", "done", "skipped"}, {},
                          "nothing is kept of this user");
    return kOk;
  }
  std::int64_t matched = 0;
  for (const GivenCommand& one : *counted) matched += one.matched;
  const auto yes =
      context.confirmed("Erase the payloads of " + std::to_string(matched) + " events for good?");
  if (!yes) return context.fail(yes.failure());
  if (!*yes) return context.fail(kFailed, "nothing was done");
  std::vector<GivenCommand> given;
  for (const HandlerWithUsers& handler : *handlers) {
    auto commands = store::give_commands(**connection, request_of(handler, user), *who);
    if (!commands) return context.fail(commands.failure());
    given.insert(given.end(), commands->begin(), commands->end());
  }
  return finish(context, **connection, given, *wait);
}

}  // namespace

std::vector<Command> privacy_commands() {
  return {
      {.path = "privacy", .help = "What is kept of a person", .footer = ""},
      {.path = "privacy erase",
       .help = "Erase what waits and what died of a user's events",
       .options = with(with({{"--user", "USER", "The user, as events name it. Needed"},
                             {"--handler", "NAME", "Only of this handler"}},
                            change_options()),
                       {kYesOption, kWaitOption}),
       .footer =
           "Open events are closed without effect, dead letters lose key, headers and payload for "
           "good.\nThe audit log keeps a mark of the user, not the name. Not touched: the tables "
           "of "
           "the\nhandlers, and Kafka's topics, which forget with their retention.\n"
           "Exit codes: 0 also if nothing was kept, 3 not all within --wait.\n"
           "Example:\n  spool privacy erase --user 42 --reason 'request 7' --dry-run",
       .run = erase},
  };
}

}  // namespace spool::app
