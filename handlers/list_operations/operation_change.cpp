#include "handlers/list_operations/operation_change.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/app/command_watch.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/operator_commands.hpp"
#include "handlers/list_operations/operation_input.hpp"

namespace spool::list_operations {
namespace {

using app::CommandContext;
using base::Failure;
using base::FailureKind;
using base::Result;
using delivery::CommandKind;

constexpr const char* kHandler = "list_operations";
// Of operations that are meant one by one; a user's, and all, are meant by one word.
constexpr std::int64_t kAtOnce = 10'000;

// What the command line says.
struct Selection {
  OperationFilter filter = {};
  std::optional<std::string> error = {};
};

// The same in the engine's words.
struct Meant {
  std::vector<store::EventFilter> filters = {};
  bool partly = false;  // something of it is left out
};

Result<Selection> read_selection(const app::Arguments& arguments) {
  Selection selection;
  auto filter = read_filter(arguments);
  if (!filter) return filter.failure();
  selection.filter = std::move(*filter);
  selection.error = arguments.get("error");
  std::set<base::Uuid> ids;
  for (const std::string& text : arguments.all("ID")) {
    const auto id = base::parse_uuid(text);
    if (!id)
      return Failure(FailureKind::invalid,
                     "ID: \"" + text + "\" is not the id of an operation (a uuid)");
    ids.insert(*id);
  }
  selection.filter.ids.assign(ids.begin(), ids.end());
  const OperationFilter& said = selection.filter;
  const bool words = said.user || said.list || said.list_ref || said.type || selection.error;
  const bool all = arguments.has("all");
  if (static_cast<int>(!ids.empty()) + static_cast<int>(words) + static_cast<int>(all) > 1)
    return Failure(FailureKind::invalid, "ids, a filter or --all: one of them");
  if (ids.empty() && !words && !all)
    return Failure(FailureKind::invalid,
                   "say which: ids as `operations list` shows them, or a filter such as --user N");
  return selection;
}

// Whether the engine finds it without asking which operations it is about.
bool is_of_whole_users(const OperationFilter& filter) {
  return filter.ids.empty() && !filter.list && !filter.list_ref && !filter.type;
}

store::EventFilter of_handler() {
  store::EventFilter filter;
  filter.handler = kHandler;
  return filter;
}

// Says of ids that were named, and are not among `found`, why they are left out. Whether any is.
Result<bool> note_left_out(CommandContext& context, postgres::Connection& connection,
                           const OperationFilter& filter, const std::set<base::Uuid>& found,
                           CommandKind kind) {
  if (found.size() == filter.ids.size()) return false;
  const auto known = statuses(connection, filter.ids);
  if (!known) return known.failure();
  for (const base::Uuid& id : filter.ids) {
    if (found.count(id) > 0) continue;
    const auto status = known->find(id);
    const bool open =
        status != known->end() && (status->second == "pending" || status->second == "processing");
    const bool behind = open && kind == CommandKind::retry_now;
    const bool begun = open && kind == CommandKind::prioritize;
    context.note(base::to_string(id) + (status == known->end() ? ": there is no such operation"
                                        : behind               ? ": waits for nothing but its turn"
                                        : begun                ? ": its call has begun"
                                                               : " is " + status->second));
  }
  if (known->empty()) return Failure(FailureKind::not_found, "no operation is meant by that");
  if (found.empty())
    return Failure(FailureKind::conflict, "none of it can be changed so: see their status");
  return true;
}

bool cut(CommandContext& context, std::size_t found) {
  if (found < kAtOnce) return false;
  context.note("the first " + std::to_string(kAtOnce) + " of them; ask again for the rest");
  return true;
}

Result<Meant> failed_meant(CommandContext& context, postgres::Connection& connection,
                           const Selection& selection) {
  const auto found = find_failed(connection, selection.filter, selection.error, kAtOnce);
  if (!found) return found.failure();
  Meant meant;
  std::set<base::Uuid> operations;
  store::EventFilter filter = of_handler();
  for (const FailedOperation& one : *found) {
    operations.insert(one.id);
    filter.ids.push_back(one.dead_letter);
  }
  if (!found->empty()) meant.filters.push_back(std::move(filter));
  if (selection.filter.ids.empty()) {
    meant.partly = cut(context, found->size());
    return meant;
  }
  const auto left_out =
      note_left_out(context, connection, selection.filter, operations, CommandKind::replay);
  if (!left_out) return left_out.failure();
  meant.partly = *left_out;
  return meant;
}

Result<Meant> open_meant(CommandContext& context, postgres::Connection& connection,
                         const Selection& selection, CommandKind kind) {
  const auto found = find_open(connection, selection.filter, kAtOnce);
  if (!found) return found.failure();
  Meant meant;
  std::size_t begun = 0;
  std::set<base::Uuid> operations;
  std::map<std::int32_t, store::EventFilter> lanes;
  for (const OpenOperation& one : *found) {
    if (kind == CommandKind::retry_now && !one.waits) continue;
    if (kind == CommandKind::prioritize && one.begun) {
      ++begun;
      continue;
    }
    operations.insert(one.id);
    store::EventFilter& filter = lanes.try_emplace(one.partition, of_handler()).first->second;
    filter.partition = one.partition;
    filter.numbers.push_back(one.number);
  }
  for (auto& [partition, filter] : lanes) meant.filters.push_back(std::move(filter));
  if (selection.filter.ids.empty()) {
    if (begun > 0) context.note("left out, their calls have begun: " + std::to_string(begun));
    meant.partly = cut(context, found->size());
    return meant;
  }
  const auto left_out = note_left_out(context, connection, selection.filter, operations, kind);
  if (!left_out) return left_out.failure();
  meant.partly = *left_out;
  return meant;
}

Result<Meant> meant_by(CommandContext& context, postgres::Connection& connection,
                       const Selection& selection, CommandKind kind) {
  if (!is_of_whole_users(selection.filter)) {
    return kind == CommandKind::replay ? failed_meant(context, connection, selection)
                                       : open_meant(context, connection, selection, kind);
  }
  store::EventFilter filter = of_handler();
  if (selection.filter.user) filter.key = std::to_string(*selection.filter.user);
  filter.error = selection.error;
  return Meant{{std::move(filter)}, false};
}

struct Sum {
  std::int64_t matched = 0;
  std::int64_t lanes = 0;
};

Result<Sum> count(postgres::Connection& connection,
                  const std::vector<store::CommandRequest>& requests) {
  Sum sum;
  for (const store::CommandRequest& request : requests) {
    const auto counted = store::count_commands(connection, request);
    if (!counted) return counted.failure();
    for (const store::GivenCommand& one : *counted) {
      sum.matched += one.matched;
      sum.lanes += one.lanes;
    }
  }
  return sum;
}

// All of it or, if one of them fails, nothing.
Result<std::vector<store::GivenCommand>> give(postgres::Connection& connection,
                                              const std::vector<store::CommandRequest>& requests,
                                              const store::Operator& who) {
  auto transaction = store::begin_durable(connection);
  if (!transaction) return transaction.failure();
  std::vector<store::GivenCommand> all;
  for (const store::CommandRequest& request : requests) {
    auto given = store::give_commands(**transaction, request, who);
    if (!given) return given.failure();
    all.insert(all.end(), given->begin(), given->end());
  }
  if (auto done = (*transaction)->commit(); !done) return done.failure();
  return all;
}

int show_dry(CommandContext& context, const Sum& sum) {
  context.output().record({{"operations", sum.matched}, {"lanes", sum.lanes}});
  context.note("nothing was done: --dry-run");
  return app::kOk;
}

// Asks the person, gives the commands and waits for their end.
int carry_out(CommandContext& context, postgres::Connection& connection,
              const std::vector<store::CommandRequest>& requests, bool asks) {
  const bool dry = context.arguments().has("dry-run");
  const auto who = app::read_operator(context.arguments());
  if (!who && !dry) return context.fail(who.failure());
  const auto wait = app::read_wait(context.arguments());
  if (!wait) return context.fail(wait.failure());
  const auto sum = count(connection, requests);
  if (!sum) return context.fail(sum.failure());
  if (sum->matched == 0) return context.fail(app::kNotFound, "no operation is meant by that");
  if (dry) return show_dry(context, *sum);
  if (asks) {
    const auto yes = context.confirmed("Cancel " + std::to_string(sum->matched) +
                                       (sum->matched == 1 ? " operation?" : " operations?"));
    if (!yes) return context.fail(yes.failure());
    if (!*yes) return context.fail(app::kFailed, "nothing was done");
  }
  const auto given = give(connection, requests, *who);
  if (!given) return context.fail(given.failure());
  if (given->empty()) return context.fail(app::kNotFound, "no operation is meant by that");
  return app::finish_commands(context, connection, *given, *wait);
}

int change(CommandContext& context, CommandKind kind,
           std::int16_t priority = handler::kPriorityDefault) {
  const auto selection = read_selection(context.arguments());
  if (!selection) return context.fail(selection.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto meant = meant_by(context, **connection, *selection, kind);
  if (!meant) return context.fail(meant.failure());
  const std::int64_t rate = kind == CommandKind::replay ? loaded->settings.replay.rate : 0;
  std::vector<store::CommandRequest> requests;
  for (const store::EventFilter& filter : meant->filters)
    requests.push_back({kind, filter, rate, priority});
  const int code = carry_out(context, **connection, requests, kind == CommandKind::cancel);
  return code == app::kOk && meant->partly ? static_cast<int>(app::kPartlyDone) : code;
}

int retry(CommandContext& context) {
  return change(context, CommandKind::replay);
}
int process(CommandContext& context) {
  return change(context, CommandKind::retry_now);
}
int cancel(CommandContext& context) {
  return change(context, CommandKind::cancel);
}
int prioritize(CommandContext& context) {
  const auto to = context.arguments().number("to", handler::kPriorityMin, handler::kPriorityMax);
  if (!to) return context.fail(to.failure());
  if (!*to) return context.fail_usage("--to N is needed: 9 goes first, 0 last");
  return change(context, CommandKind::prioritize, static_cast<std::int16_t>(**to));
}

const app::Positional kIds{"ID", "Ids, as `operations list` shows them", false, true};
const app::Option kAll{"--all", "", "All of them, of all users"};

std::vector<app::Option> options(std::vector<app::Option> first) {
  return app::with(
      app::with(app::with(std::move(first), selection_options()), app::change_options()),
      {app::kWaitOption});
}

}  // namespace

std::vector<app::Command> operation_change_commands() {
  return {
      {.path = "operations retry",
       .help = "Operations that failed get a new life",
       .positionals = {kIds},
       .options =
           options({{"--error", "GLOB", "Only with these error types, such as upstream.*"}, kAll}),
       .footer =
           "They are shown as pending again, and come after what their lists wait for. Ended "
           "when they\nare brought back, not when they are carried out.\n"
           "Exit codes: 3 not all of the ids, or not all within --wait; 4 nothing is meant; 5 "
           "nothing of\nit has failed.\n"
           "Examples:\n  spool operations retry ID --reason 'asked by the user'\n"
           "  spool operations retry --type add_movie --error 'upstream.*' --reason 'TMDB is "
           "back' --dry-run",
       .run = retry},
      {.path = "operations process",
       .help = "What waits for its time or its next attempt is due now",
       .positionals = {kIds},
       .options = options({kAll}),
       .footer = "Exit codes: 3 not all of the ids, or not all within --wait; 4 nothing waits that "
                 "is meant;\n5 the ids wait for nothing.\n"
                 "Examples:\n  spool operations process ID --reason 'asked by the user'\n"
                 "  spool operations process --user 42 --reason 'TMDB is back'\n"
                 "  spool operations process --all --reason 'TMDB is back'",
       .run = process},
      {.path = "operations cancel",
       .help = "Operations that are not finished end without effect",
       .positionals = {kIds},
       .options = app::with(options({}), {app::kYesOption}),
       .footer =
           "What they showed on their lists is gone. A call that is under way is not taken "
           "back.\n"
           "Exit codes: 3 not all of the ids, or not all within --wait; 4 nothing is meant; 5 "
           "the ids are\nfinished.\n"
           "Examples:\n  spool operations cancel ID --reason 'asked by the user' --yes\n"
           "  spool operations cancel --user 42 --list 8136 --reason 'spam' --dry-run",
       .run = cancel},
      {.path = "operations priority",
       .help = "What waits for its turn goes before or after that of other lists",
       .positionals = {kIds},
       .options = options({{"--to", "N", "9 goes first, 0 last; operations have 5"}, kAll}),
       .footer =
           "A list's operations keep their order, and nothing goes before its time. Every tenth "
           "turn of a\npartition is the oldest one's, whatever its priority. Begun ones are left "
           "out.\n"
           "Exit codes: 3 not all of the ids, or not all within --wait; 4 nothing is meant; 5 the "
           "ids have\nbegun, or are finished.\n"
           "Examples:\n  spool operations priority ID --to 9 --reason 'asked by the user'\n"
           "  spool operations priority --user 42 --to 0 --reason 'an import' --dry-run",
       .run = prioritize},
  };
}

}  // namespace spool::list_operations
