// Replays: dead letters begin a new life. A replay is a command in the database, which the owners
// of the partitions carry out; these here give it, follow it and change its course.
#include <map>
#include <set>

#include "engine/app/command_watch.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/operator_change.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::app {
namespace {

using delivery::CommandKind;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;
constexpr std::int64_t kRateMax = 1'000'000;

int plan(CommandContext& context) {
  const auto words = read_words(context.arguments(), "ID|FILTER");
  if (!words) return context.fail(words.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto filter = resolve(**connection, *words);
  if (!filter) return context.fail(filter.failure());
  const auto plan = store::plan_replay(**connection, *filter);
  if (!plan) return context.fail(plan.failure());
  std::vector<std::vector<Cell>> rows;
  std::int64_t taken = 0;
  std::int64_t skipped = 0;
  for (const store::PlanRow& row : *plan) {
    const bool replayed = row.verdict == "replay";
    (replayed ? taken : skipped) += row.count;
    rows.push_back({row.handler, row.error_type, std::int64_t{row.partition}, row.count,
                    std::string(replayed ? "replay" : "skip"),
                    replayed ? Cell() : Cell(row.verdict)});
  }
  context.output().list({"handler", "error_type", "partition", "count", "verdict", "because"}, rows,
                        "no dead letter is meant by that");
  context.note(std::to_string(taken) + " would be replayed, " + std::to_string(skipped) +
               " skipped");
  return rows.empty() ? kNotFound : kOk;
}

void detach_note(CommandContext& context, const std::vector<base::Uuid>& ids) {
  for (const base::Uuid& one : ids) {
    const std::string id = base::to_string(one);
    context.note("it goes on without you; look again: spool replay watch " + id +
                 "; stop it: spool replay pause|cancel " + id);
  }
}

int follow(CommandContext& context, postgres::Connection& connection,
           const std::vector<base::Uuid>& ids) {
  const auto watched = watch_commands(context, connection, ids, std::nullopt);
  if (!watched) return context.fail(watched.failure());
  if (watched->end == WatchEnd::interrupted) {
    detach_note(context, ids);
    return kInterrupted;
  }
  int code = kOk;
  for (const store::CommandDetail& one : watched->commands) {
    context.output().record(command_record(one.info));
    if (one.info.state == "cancelled") code = kPartlyDone;
  }
  return code;
}

int start(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto words = read_words(arguments, "ID|FILTER");
  if (!words) return context.fail(words.failure());
  if (words->empty)
    return context.fail_usage("say which: ids, or a filter (state:open means all that are open)");
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const auto rate = arguments.number("rate", 0, kRateMax);
  if (!rate) return context.fail(rate.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto filter = resolve(**connection, *words);
  if (!filter) return context.fail(filter.failure());
  const Given given =
      give(context, **connection,
           {{CommandKind::replay, std::move(*filter), rate->value_or(loaded->settings.replay.rate)},
            ""});
  if (given.commands.empty()) return given.code;
  std::vector<base::Uuid> ids;
  std::vector<std::vector<Cell>> rows;
  for (const store::GivenCommand& one : given.commands) {
    ids.push_back(one.id);
    rows.push_back({base::to_string(one.id), one.handler, one.matched, one.lanes});
  }
  context.output().list({"id", "handler", "matched", "lanes"}, rows, "");
  if (!arguments.has("watch")) return given.code;
  const int code = follow(context, **connection, ids);
  return code == kOk ? given.code : code;
}

void show_lanes(CommandContext& context, const store::CommandDetail& detail) {
  std::vector<std::vector<Cell>> rows;
  for (const store::CommandLane& lane : detail.lanes) {
    rows.push_back({std::int64_t{lane.partition}, lane.state, lane.done, lane.skipped, lane.owner,
                    Time{lane.updated_at}});
  }
  context.output().document("");
  context.output().list({"partition", "state", "done", "skipped", "owner", "last_sign"}, rows, "");
}

// The lanes as one JSON value.
Json lanes_json(const store::CommandDetail& detail) {
  std::string out = "[";
  for (const store::CommandLane& lane : detail.lanes) {
    out +=
        (out.size() > 1 ? ", " : "") + to_json(Record{{"partition", std::int64_t{lane.partition}},
                                                      {"state", lane.state},
                                                      {"done", lane.done},
                                                      {"skipped", lane.skipped},
                                                      {"owner", lane.owner},
                                                      {"last_sign", Time{lane.updated_at}}});
  }
  return {out + "]"};
}

int show(CommandContext& context) {
  const auto id = read_id(context.arguments(), "ID", "a replay");
  if (!id) return context.fail(id.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto detail = store::show_command(**connection, *id);
  if (!detail) return context.fail(detail.failure());
  Record record = command_record(detail->info);
  if (context.output().settings().format != OutputFormat::text) {
    record.push_back({"lanes_detail", lanes_json(*detail)});
    context.output().record(record);
    return kOk;
  }
  context.output().record(record);
  show_lanes(context, *detail);
  for (const std::string& text : hindrances(*detail)) context.note(text);
  return kOk;
}

int list(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  store::CommandListFilter filter;
  const std::string kind = arguments.get_or("kind", "replay");
  if (kind != "all") filter.kind = kind;
  filter.handler = arguments.get("handler");
  filter.state = arguments.get("state");
  filter.limit = limit->value_or(kLimit);
  filter.cursor = arguments.get_or("cursor", "");
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page = store::list_commands(**connection, filter);
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::CommandInfo& one : page->commands) {
    rows.push_back({base::to_string(one.id), one.kind, one.handler, one.state, one.matched,
                    one.done, one.skipped, Time{one.created_at}, one.actor, one.reason});
  }
  context.output().page({"id", "kind", "handler", "state", "matched", "done", "skipped",
                         "created_at", "actor", "reason"},
                        rows, "none", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return kOk;
}

int watch(CommandContext& context) {
  const auto id = read_id(context.arguments(), "ID", "a replay");
  if (!id) return context.fail(id.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  return follow(context, **connection, {*id});
}

// `change` makes it; what the command is afterwards is the result.
int alter(CommandContext& context,
          const std::function<base::Status(postgres::Connection&, const base::Uuid&,
                                           const store::Operator&)>& change) {
  const bool dry = context.arguments().has("dry-run");
  const auto id = read_id(context.arguments(), "ID", "a replay");
  if (!id) return context.fail(id.failure());
  const auto who = read_operator(context.arguments());
  if (!who && !dry) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  if (!dry) {
    if (auto done = change(**connection, *id, *who); !done) return context.fail(done.failure());
  }
  const auto detail = store::show_command(**connection, *id);
  if (!detail) return context.fail(detail.failure());
  context.output().record(command_record(detail->info));
  if (dry) context.note("nothing was done: --dry-run");
  return kOk;
}

int alter_state(CommandContext& context, store::CommandChange to) {
  return alter(context, [to](postgres::Connection& connection, const base::Uuid& id,
                             const store::Operator& who) {
    return store::change_command(connection, id, to, who);
  });
}

int pause(CommandContext& context) {
  return alter_state(context, store::CommandChange::pause);
}
int resume(CommandContext& context) {
  return alter_state(context, store::CommandChange::resume);
}
int cancel(CommandContext& context) {
  return alter_state(context, store::CommandChange::cancel);
}

int set_rate(CommandContext& context) {
  const auto rate = context.arguments().number("RATE", 0, kRateMax);
  if (!rate) return context.fail(rate.failure());
  return alter(context,
               [rate = rate->value_or(0)](postgres::Connection& connection, const base::Uuid& id,
                                          const store::Operator& who) {
                 return store::set_rate(connection, id, rate, who);
               });
}

const Positional kWords{"ID|FILTER", "Ids of dead letters, or words such as error:upstream.*",
                        false, true};
const Positional kReplay{"ID", "Its id, as `replay list` shows it"};

std::vector<Command> giving() {
  return {
      {.path = "replay",
       .help = "Replay dead letters: each begins a new life, in the order of its key",
       .footer = "A replay stands in the database; the workers that own the partitions carry it "
                 "out. It goes\non when nobody watches, survives restarts, and applies no letter "
                 "twice."},
      {.path = "replay plan",
       .help = "What a replay would take, and what it would skip and why",
       .positionals = {kWords},
       .options = filter_options(),
       .footer = "Skipped: what is erased, replaying, resolved or discarded, and letters of a "
                 "partition that\nno worker has had (no_lane). Exit code 4: nothing is meant.\n"
                 "Examples:\n  spool replay plan error:upstream.*\n"
                 "  spool replay plan --handler progress_events 'age:>1h' -o json",
       .run = plan},
      {.path = "replay start",
       .help = "Replay the open dead letters that are meant; prints the replay's id",
       .positionals = {kWords},
       .options = with(with({{"--rate", "N",
                              "Events a second over all partitions (default: replay.rate; 0: as "
                              "fast as it goes)"},
                             {"--watch", "", "Follow it to its end"}},
                            filter_options()),
                       change_options()),
       .footer =
           "What dies after this moment is not meant. Letters of several handlers: one replay "
           "each.\n"
           "Exit codes: 3 some of the ids that were named cannot be replayed, 4 nothing is meant,\n"
           "5 nothing of it is open.\n"
           "Examples:\n  spool replay start ID --reason 'bug 7 is mended'\n"
           "  spool replay start error:upstream.* --rate 100 --reason 'service is back' --watch",
       .run = start},
  };
}

std::vector<Command> following() {
  return {
      {.path = "replay list",
       .help = "Replays, newest first",
       .options = {{"--kind",
                    "KIND",
                    "Other commands too: replay (default), discard, restore, retry_now, cancel, "
                    "prioritize, "
                    "erase, accept_loss, all",
                    {"replay", "discard", "restore", "retry_now", "cancel", "prioritize", "erase",
                     "accept_loss", "all"}},
                   {"--handler", "NAME", "Only of this handler"},
                   {"--state",
                    "WORD",
                    "running, paused, cancelled, finished",
                    {"running", "paused", "cancelled", "finished"}},
                   {"--limit", "N", "At most so many (default 50)"},
                   {"--cursor", "CURSOR", "Go on where the page before ended"}},
       .footer = "Examples:\n  spool replay list --state running\n  spool replay list --kind all",
       .run = list},
      {.path = "replay show",
       .help = "One replay, and how far each partition has come",
       .positionals = {kReplay},
       .footer =
           "A partition is waiting_for_owner if its last worker let go of it, or if nothing was "
           "heard of\nits worker for 15 seconds; stopped if the worker says that it stands still.\n"
           "Example:\n  spool replay show ID",
       .run = show},
      {.path = "replay watch",
       .help = "Follow a replay to its end",
       .positionals = {kReplay},
       .footer = "Ctrl-C ends the watching, not the replay (exit code 130). Exit code 3: it was "
                 "cancelled.\nExample:\n  spool replay watch ID",
       .run = watch},
      {.path = "replay pause",
       .help = "Hold a replay; what it has begun goes on",
       .positionals = {kReplay},
       .options = change_options(),
       .footer = "Example:\n  spool replay pause ID --reason 'too much at once'",
       .run = pause},
      {.path = "replay resume",
       .help = "Go on with a replay that is paused",
       .positionals = {kReplay},
       .options = change_options(),
       .footer = "Example:\n  spool replay resume ID --reason 'quiet again'",
       .run = resume},
      {.path = "replay cancel",
       .help = "End a replay; what it has not begun stays dead",
       .positionals = {kReplay},
       .options = change_options(),
       .footer = "Example:\n  spool replay cancel ID --reason 'wrong filter'",
       .run = cancel},
      {.path = "replay set-rate",
       .help = "Change how fast a replay goes",
       .positionals = {kReplay, {"RATE", "Events a second over all partitions; 0: no limit"}},
       .options = change_options(),
       .footer = "Example:\n  spool replay set-rate ID 20 --reason 'the service is slow'",
       .run = set_rate},
  };
}

}  // namespace

std::vector<Command> replay_commands() {
  std::vector<Command> all = giving();
  for (Command& command : following()) all.push_back(std::move(command));
  return all;
}

}  // namespace spool::app
