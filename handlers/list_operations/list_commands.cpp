#include "handlers/list_operations/list_commands.hpp"

#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/cache_command.hpp"
#include "handlers/list_operations/list_cache.hpp"
#include "handlers/list_operations/operation_input.hpp"

namespace spool::list_operations {
namespace {

using app::Cell;
using app::CommandContext;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;
constexpr std::int64_t kItems = 1000;
constexpr std::int64_t kItemsMax = 100'000;

Cell words_cell(const std::optional<std::string>& text) {
  return text ? Cell(*text) : Cell();
}
Cell flag_cell(const std::optional<bool>& flag) {
  return flag ? Cell(*flag) : Cell();
}

// "name, public"
Cell pending_cell(const ListInfo& list) {
  std::string text;
  for (const std::string& word : list.pending) text += (text.empty() ? "" : ", ") + word;
  return text_cell(text);
}

int list(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  if (!*user) return context.fail_usage("--user N is needed: whose lists");
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page =
      lists_of_user(**connection, **user, context.arguments().has("all"), limit->value_or(kLimit),
                    context.arguments().get_or("cursor", ""));
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(page->lists.size());
  for (const ListInfo& one : page->lists)
    rows.push_back({number_cell(one.tmdb_list_id), id_cell(one.list_ref),
                    words_cell(one.shown.name), one.mark, pending_cell(one), one.shown.existence,
                    flag_cell(one.shown.is_public), one.shown.movies, one.operations,
                    one.sync_status, time_cell(one.last_synced_at)});
  context.output().page({"tmdb_list_id", "list_ref", "name", "mark", "pending", "existence",
                         "public", "movies", "operations", "sync_status", "last_synced_at"},
                        rows, "no list", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return app::kOk;
}

app::Record words_record(const ListWords& words) {
  return {{"existence", words.existence},
          {"name", words_cell(words.name)},
          {"description", words_cell(words.description)},
          {"public", flag_cell(words.is_public)},
          {"language", words_cell(words.language)},
          {"complete", words.complete},
          {"movies", words.movies}};
}

app::Record head_record(const ReadList& read) {
  const ListInfo& list = read.info;
  return {{"tmdb_list_id", number_cell(list.tmdb_list_id)},
          {"list_ref", id_cell(list.list_ref)},
          {"user_id", std::int64_t{list.user}},
          {"mark", list.mark},
          {"pending", pending_cell(list)},
          {"operations", list.operations},
          {"sharing_url", text_cell(list.sharing_url)},
          {"sync_status", list.sync_status},
          {"last_synced_at", time_cell(list.last_synced_at)},
          {"source", read.cached ? "cache" : "database"},
          {"stale", read.stale}};
}

const std::vector<std::string> kItemKeys = {"movie_id", "mark", "confirmed", "added_at"};

std::vector<std::vector<Cell>> item_rows(const std::vector<ListItem>& items) {
  std::vector<std::vector<Cell>> rows;
  rows.reserve(items.size());
  for (const ListItem& one : items)
    rows.push_back({std::int64_t{one.movie_id}, one.mark, one.confirmed, time_cell(one.added_at)});
  return rows;
}

app::Json items_json(const std::vector<ListItem>& items) {
  std::string out = "[";
  for (const std::vector<Cell>& row : item_rows(items)) {
    app::Record record;
    for (std::size_t i = 0; i < row.size(); ++i) record.push_back({kItemKeys[i], row[i]});
    out += (out.size() > 1 ? ", " : "") + app::to_json(record);
  }
  return {out + "]"};
}

// Text: what is shown, and what is confirmed where that is something else.
void show_text(CommandContext& context, const ReadList& read) {
  app::Record record = head_record(read);
  const app::Record confirmed = words_record(read.info.confirmed);
  const app::OutputSettings& settings = context.output().settings();
  std::size_t at = 0;
  for (app::Field& field : words_record(read.info.shown)) {
    const app::Field& sure = confirmed[at++];
    const bool same = app::to_json(field.value) == app::to_json(sure.value);
    record.push_back(std::move(field));
    if (!same) record.push_back({"confirmed_" + sure.key, app::to_text(sure.value, settings)});
  }
  context.output().record(record);
  context.output().document("");
  context.output().list(kItemKeys, item_rows(read.items), "no movie");
}

// The one that is meant; fails with `not_found`, and with `conflict` if there are several.
base::Result<ReadList> read_one(postgres::Connection& connection, const app::Arguments& arguments,
                                const CacheSettings& settings) {
  const std::string text = arguments.get_or("ID", "");
  const auto id = parse_list_id(text, "ID");
  if (!id) return id.failure();
  const auto user = read_user(arguments, "user");
  if (!user) return user.failure();
  const auto found = find_list_rows(connection, *id, *user);
  if (!found) return found.failure();
  const base::Failure unknown(base::FailureKind::not_found, "no list " + text + " is known here");
  if (found->empty()) return unknown;
  if (found->size() > 1)
    return base::Failure(
        base::FailureKind::conflict,
        std::to_string(found->size()) + " users have a list " + text + ": say --user N");
  auto read = read_list(connection, found->front(), settings, arguments.has("no-cache"));
  if (!read) return read.failure();
  if (!*read) return unknown;
  return std::move(**read);
}

void note_stale(CommandContext& context, const ListInfo& list) {
  context.note((list.last_synced_at == 0
                    ? "not read from TMDB so far"
                    : "last read from TMDB at " + base::format_rfc3339(list.last_synced_at)) +
               std::string(": what others did to it since is not shown; reading it is asked for"));
}

int show(CommandContext& context) {
  const auto limit = context.arguments().number("limit", 1, kItemsMax);
  if (!limit) return context.fail(limit.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const auto& settings = loaded->settings.lists;
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto read =
      read_one(**connection, context.arguments(), {settings.cache_ttl, settings.refresh_interval});
  if (!read) return context.fail(read.failure());
  const auto wanted = static_cast<std::size_t>(limit->value_or(kItems));
  const bool more = read->items.size() > wanted;
  if (more) read->items.resize(wanted);
  if (context.output().settings().format == app::OutputFormat::text) {
    show_text(context, *read);
  } else {
    app::Record record = head_record(*read);
    record.push_back({"shown", app::Json{app::to_json(words_record(read->info.shown))}});
    record.push_back({"confirmed", app::Json{app::to_json(words_record(read->info.confirmed))}});
    record.push_back({"items", items_json(read->items)});
    context.output().record(record);
  }
  if (more) context.note("only the first " + std::to_string(wanted) + " movies: --limit N");
  if (read->stale) note_stale(context, read->info);
  return app::kOk;
}

}  // namespace

std::vector<app::Command> list_commands() {
  return {
      {.path = "lists",
       .help = "The users' lists at TMDB, with what waits to be done there",
       .footer = "Changing a list is asking for it: spool operations enqueue"},
      {.path = "lists list",
       .help = "A user's lists, as the user sees them",
       .options = app::with({{"--user", "N", "TMDB user id. Needed"},
                             {"--all", "", "Deleted ones too, and those that were never created"}},
                            {{"--limit", "N", "At most so many (default 50)"},
                             {"--cursor", "CURSOR", "Go on where the page before ended"}}),
       .footer = "mark: creating, deleting, settled. pending: what an update is about to change.\n"
                 "operations: how many are unfinished.\n"
                 "Example:\n  spool lists list --user 42",
       .run = list},
      {.path = "lists show",
       .help = "One list: what is confirmed, what is shown, and its movies",
       .positionals = {{"ID", "Its id at TMDB, or its list_ref"}},
       .options = {{"--user", "N", "Whose, if several users have chosen the same list_ref"},
                   {"--limit", "N", "At most so many movies (default 1000)"},
                   {"--no-cache", "", "Compute it, also if there is a copy of it"}},
       .footer =
           "Movies are adding, removing or settled; confirmed: TMDB has it on the list, as "
           "far as is known.\ncomplete: no other movie is on it.\n"
           "source: a copy (cache), which is as new as what the database says, or that.\n"
           "stale: it was not read from TMDB for lists.refresh_interval; a worker is asked to "
           "read it.\n"
           "Exit codes: 4 it is not known here, 5 several users have it.\n"
           "Examples:\n  spool lists show 8136\n  spool lists show UUID --user 42 -o json",
       .run = show},
      cache_command(),
  };
}

}  // namespace spool::list_operations
