#include "handlers/list_operations/refresh_commands.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/interrupt.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/base/json_object.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/operation.hpp"
#include "handlers/list_operations/operation_enqueue.hpp"
#include "handlers/list_operations/operation_input.hpp"
#include "handlers/list_operations/refresh_report.hpp"

namespace spool::list_operations {
namespace {

using app::CommandContext;
using base::Failure;
using base::FailureKind;
using base::Result;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Lists = std::vector<ReadableList>;

constexpr std::int64_t kAtOnce = 10'000;
constexpr milliseconds kFirstLook{50};
constexpr milliseconds kLook{500};

// What the command line says.
struct Asked {
  std::vector<ListId> named = {};
  std::optional<std::int32_t> user = {};
  std::string subject = {};  // in its own words
  std::optional<milliseconds> timeout = {};
  bool dry = false;
};

// Whatever there is to show, and the code of the command if nothing else is to be said.
struct Watched {
  std::vector<ListReport> reports = {};
  int code = app::kOk;
};

Result<Asked> read_asked(const app::Arguments& arguments) {
  Asked asked;
  for (const std::string& text : arguments.all("LIST")) {
    const auto id = parse_list_id(text, "LIST");
    if (!id) return id.failure();
    asked.named.push_back(*id);
    asked.subject += (asked.subject.empty() ? "" : " ") + text;
  }
  const auto user = read_user(arguments, "user");
  if (!user) return user.failure();
  asked.user = *user;
  const bool all = arguments.has("all");
  if (all && (asked.user || !asked.named.empty()))
    return Failure(FailureKind::invalid, "lists, --user N or --all: one of them");
  if (!all && !asked.user && asked.named.empty())
    return Failure(FailureKind::invalid, "say which: lists, --user N or --all");
  if (asked.subject.empty()) asked.subject = all ? "all" : "user " + std::to_string(*asked.user);
  const auto timeout = app::read_time(arguments, "timeout");
  if (!timeout) return timeout.failure();
  asked.timeout = *timeout;
  asked.dry = arguments.has("dry-run");
  return asked;
}

bool is_named(const ReadableList& list, const ListId& id) {
  return id.list_ref ? list.list_ref == id.list_ref : list.tmdb_list_id == id.tmdb_list_id;
}

// What is meant; `partly`: something of it is left out.
struct Meant {
  Lists lists = {};
  bool partly = false;
};

Result<Meant> find(CommandContext& context, postgres::Connection& connection, const Asked& asked) {
  auto lists = readable_lists(connection, asked.named, asked.user, kAtOnce + 1);
  if (!lists) return lists.failure();
  Meant meant{std::move(*lists), false};
  for (const ListId& id : asked.named) {
    if (std::ranges::any_of(meant.lists, [&](const auto& list) { return is_named(list, id); }))
      continue;
    meant.partly = true;
    context.note((id.list_ref ? base::to_string(*id.list_ref) : std::to_string(*id.tmdb_list_id)) +
                 ": no such list is known to be at TMDB");
  }
  if (meant.lists.empty())
    return Failure(FailureKind::not_found, "no list is meant that TMDB is known to have");
  if (meant.lists.size() > static_cast<std::size_t>(kAtOnce)) {
    meant.lists.resize(static_cast<std::size_t>(kAtOnce));
    meant.partly = true;
    context.note("the first " + std::to_string(kAtOnce) + " of them; name users for the rest");
  }
  return meant;
}

std::string event_of(const ReadableList& list, bool compare_only) {
  base::JsonObject data;
  data.text("operation_type", to_string(OperationType::refresh_list));
  data.number("tmdb_user_id", list.user);
  data.number("tmdb_list_id", list.tmdb_list_id);
  data.json("operation_data",
            data_json({.type = OperationType::refresh_list, .compare_only = compare_only}));
  return data.str();
}

// The ids of the operations, list by list.
Result<std::vector<base::Uuid>> publish(CommandContext& context, const Lists& lists,
                                        bool compare_only) {
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  auto plan = operations_plan(context, loaded->settings);
  if (!plan) return plan.failure();
  std::vector<base::Uuid> ids;
  const auto sent = app::send_events(
      loaded->settings, std::move(*plan),
      [&](app::EventSender& sender) -> base::Status {
        for (const ReadableList& list : lists) {
          ids.push_back(base::random_uuid());
          const std::string id = base::to_string(ids.back());
          if (auto done = sender.send(event_of(list, compare_only), id); !done) return done;
        }
        return {};
      },
      [](const app::Acknowledged&) {});
  if (!sent) return sent.failure();
  return ids;
}

// Until all of them have ended, Ctrl-C or --timeout.
Result<Watched> watch(CommandContext& context, postgres::Connection& connection, const Lists& lists,
                      const std::vector<base::Uuid>& ids, const Asked& asked, bool took_over) {
  app::Interrupt interrupt;
  const auto begin = Clock::now();
  Watched watched;
  for (milliseconds pause = kFirstLook;; pause = std::min(kLook, pause * 2)) {
    const auto found = readings(connection, ids);
    if (!found) return found.failure();
    watched.reports.clear();
    for (std::size_t i = 0; i < lists.size(); ++i)
      watched.reports.push_back({lists[i], (*found)[i], took_over});
    const auto ended = std::ranges::count_if(*found, &ReadingInfo::ended);
    if (static_cast<std::size_t>(ended) == lists.size()) break;
    context.progress(std::to_string(ended) + " of " + std::to_string(lists.size()) +
                     " lists were read");
    const auto left = asked.timeout
                          ? std::chrono::ceil<milliseconds>(begin + *asked.timeout - Clock::now())
                          : pause;
    if (left <= milliseconds(0)) break;
    if (interrupt.wait(std::min(pause, left))) {
      watched.code = app::kInterrupted;
      break;
    }
  }
  context.progress("");
  if (std::ranges::any_of(watched.reports, &ListReport::unread)) {
    if (watched.code == app::kOk) watched.code = app::kPartlyDone;
    context.note("what waits goes on without this command: spool operations list");
  }
  return watched;
}

Result<Watched> publish_and_watch(CommandContext& context, postgres::Connection& connection,
                                  const Lists& lists, const Asked& asked, bool compare_only) {
  const auto ids = publish(context, lists, compare_only);
  if (!ids) return ids.failure();
  return watch(context, connection, lists, *ids, asked, !compare_only);
}

base::Status audit(postgres::Connection& connection, const store::Operator& who,
                   const std::string& action, const Asked& asked, const Lists& lists) {
  auto transaction = store::begin_durable(connection);
  if (!transaction) return transaction.failure();
  base::JsonObject detail;
  detail.number("lists", static_cast<std::int64_t>(lists.size()));
  const store::AuditEntry entry{action, "list_operations", asked.subject, detail.str()};
  if (auto done = store::write_audit(**transaction, who, entry); !done) return done;
  return (*transaction)->commit();
}

int show_dry(CommandContext& context, const Lists& lists) {
  std::vector<std::vector<app::Cell>> rows;
  rows.reserve(lists.size());
  for (const ReadableList& list : lists)
    rows.push_back(
        {std::int64_t{list.tmdb_list_id}, id_cell(list.list_ref), std::int64_t{list.user}});
  context.output().list({"tmdb_list_id", "list_ref", "user_id"}, rows, "");
  context.note("nothing was done: --dry-run");
  return app::kOk;
}

int partly(int code, const Meant& meant) {
  return code == app::kOk && meant.partly ? static_cast<int>(app::kPartlyDone) : code;
}

int refresh(CommandContext& context) {
  const auto asked = read_asked(context.arguments());
  if (!asked) return context.fail(asked.failure());
  const auto who = app::read_operator(context.arguments());
  if (!who && !asked->dry) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto meant = find(context, **connection, *asked);
  if (!meant) return context.fail(meant.failure());
  if (asked->dry) return partly(show_dry(context, meant->lists), *meant);
  const auto noted = audit(**connection, *who, "lists.refresh", *asked, meant->lists);
  if (!noted) return context.fail(noted.failure());
  const auto ids = publish(context, meant->lists, false);
  if (!ids) return context.fail(ids.failure());
  if (!context.arguments().has("wait") && !asked->timeout) {
    std::vector<std::vector<app::Cell>> rows;
    for (std::size_t i = 0; i < ids->size(); ++i)
      rows.push_back({base::to_string((*ids)[i]), std::int64_t{meant->lists[i].tmdb_list_id},
                      std::int64_t{meant->lists[i].user}});
    context.output().list({"id", "tmdb_list_id", "user_id"}, rows, "");
    return partly(app::kOk, *meant);
  }
  const auto watched = watch(context, **connection, meant->lists, *ids, *asked, true);
  if (!watched) return context.fail(watched.failure());
  show_reports(context, watched->reports);
  return partly(watched->code, *meant);
}

int verify(CommandContext& context) {
  const auto asked = read_asked(context.arguments());
  if (!asked) return context.fail(asked.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto meant = find(context, **connection, *asked);
  if (!meant) return context.fail(meant.failure());
  if (asked->dry) return partly(show_dry(context, meant->lists), *meant);
  const auto watched = publish_and_watch(context, **connection, meant->lists, *asked, true);
  if (!watched) return context.fail(watched.failure());
  show_reports(context, watched->reports);
  const int code = code_of(watched->reports);
  if (watched->code != app::kInterrupted && code != app::kOk &&
      context.arguments().has("exit-code"))
    return code;
  return partly(watched->code, *meant);
}

// Of the lists that were compared, those that are to be refreshed: taken over, and shown in the
// places of their comparisons.
int take_over(CommandContext& context, postgres::Connection& connection, const Asked& asked,
              const store::Operator& who, Watched compared, const Lists& lists) {
  if (auto done = audit(connection, who, "lists.repair", asked, lists); !done)
    return context.fail(done.failure());
  auto repaired = publish_and_watch(context, connection, lists, asked, false);
  if (!repaired) return context.fail(repaired.failure());
  if (context.output().settings().format == app::OutputFormat::text) {
    show_reports(context, repaired->reports);
  } else {
    for (ListReport& one : compared.reports) {
      const auto now = std::ranges::find(repaired->reports, one.list, &ListReport::list);
      if (now != repaired->reports.end()) one = *now;
    }
    show_reports(context, compared.reports);
  }
  return repaired->code == app::kOk ? compared.code : repaired->code;
}

int repair(CommandContext& context) {
  const auto asked = read_asked(context.arguments());
  if (!asked) return context.fail(asked.failure());
  const auto who = app::read_operator(context.arguments());
  if (!who && !asked->dry) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto meant = find(context, **connection, *asked);
  if (!meant) return context.fail(meant.failure());
  auto compared = publish_and_watch(context, **connection, meant->lists, *asked, true);
  if (!compared) return context.fail(compared.failure());
  Lists lists;
  for (const ListReport& one : compared->reports) {
    if (one.to_repair()) lists.push_back(one.list);
  }
  const int code = compared->code;
  const bool ends = lists.empty() || asked->dry || code == app::kInterrupted;
  if (ends || context.output().settings().format == app::OutputFormat::text)
    show_reports(context, compared->reports);
  if (asked->dry) context.note("nothing was changed: --dry-run");
  if (ends) return partly(code, *meant);
  const auto yes = context.confirmed("Refresh " + std::to_string(lists.size()) +
                                     (lists.size() == 1 ? " list?" : " lists?"));
  if (!yes) return context.fail(yes.failure());
  if (!*yes) return context.fail(app::kFailed, "nothing was changed");
  return partly(take_over(context, **connection, *asked, *who, std::move(*compared), lists),
                *meant);
}

const app::Positional kLists{"LIST", "Their ids at TMDB, or their list_refs", false, true};
const std::vector<app::Option> kWhich{{"--user", "N", "All lists of this TMDB user"},
                                      {"--all", "", "All lists, of all users"}};
const app::Option kTimeout{"--timeout", "TIME", "Wait no longer than that, such as 5m"};

}  // namespace

std::vector<app::Command> refresh_commands() {
  return {
      {.path = "lists refresh",
       .help = "Read lists at TMDB again, and take over what others did to them",
       .positionals = {kLists},
       .options =
           app::with(app::with(kWhich, app::change_options()),
                     {{"--wait", "", "Until they were read, and show what was found"}, kTimeout}),
       .footer =
           "Each is read when its earlier operations are done; what its user still waits for stays "
           "on top.\nWithout --wait it prints the ids of the operations.\n"
           "Exit codes: 3 not all of them are known, or were read; 4 none is known.\n"
           "Examples:\n  spool lists refresh 8136 --reason 'changed on the web site' --wait\n"
           "  spool lists refresh --user 42 --reason 'asked by the user'",
       .run = refresh},
      {.path = "lists verify",
       .help = "Compare lists with what stands at TMDB; changes nothing",
       .positionals = {kLists},
       .options = app::with(kWhich, {{"--exit-code", "", "Exit with 8 if something differs"},
                                     kTimeout,
                                     {"--dry-run", "", "Say which lists, read none"}}),
       .footer =
           "outcome: same, different, partial (the mirror does not know all of it), gone (nothing "
           "to read),\nunread, waiting. Ctrl-C leaves the comparing to the workers.\n"
           "Exit codes: 8 see --exit-code; 3 not all of them are known, or were read; 4 none is "
           "known.\n"
           "Examples:\n  spool lists verify 8136\n  spool lists verify --all --exit-code -o json",
       .run = verify},
      {.path = "lists repair",
       .help = "Compare lists with what stands at TMDB, and refresh those that differ",
       .positionals = {kLists},
       .options = app::with(app::with(kWhich, app::change_options()), {app::kYesOption, kTimeout}),
       .footer =
           "What differs is shown first; with --dry-run nothing else is done. outcome of what "
           "was refreshed:\nchanged, same.\n"
           "Exit codes: 3 not all of them are known, or were read; 4 none is known.\n"
           "Examples:\n  spool lists repair --user 42 --dry-run\n"
           "  spool lists repair --all --reason 'after an outage' --yes",
       .run = repair},
  };
}

}  // namespace spool::list_operations
