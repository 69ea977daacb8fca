#include "handlers/list_operations/cache_command.hpp"

#include <string>
#include <vector>

#include "engine/app/command_context.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/list_cache.hpp"

namespace spool::list_operations {
namespace {

using app::Cell;
using app::CommandContext;

constexpr std::int64_t kDays = 7;
constexpr std::int64_t kDaysMax = 3'660;

const std::vector<std::string> kDayKeys = {"day", "hits", "misses", "stale"};

std::vector<std::vector<Cell>> day_rows(const CacheState& state) {
  std::vector<std::vector<Cell>> rows;
  rows.reserve(state.days.size());
  for (const CacheDay& one : state.days) rows.push_back({one.day, one.hits, one.misses, one.stale});
  return rows;
}

app::Json days_json(const CacheState& state) {
  std::string out = "[";
  for (const std::vector<Cell>& row : day_rows(state)) {
    app::Record record;
    for (std::size_t i = 0; i < row.size(); ++i) record.push_back({kDayKeys[i], row[i]});
    out += (out.size() > 1 ? ", " : "") + app::to_json(record);
  }
  return {out + "]"};
}

int cache(CommandContext& context) {
  const auto days = context.arguments().number("days", 1, kDaysMax);
  if (!days) return context.fail(days.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto state = cache_state(**connection, days->value_or(kDays));
  if (!state) return context.fail(state.failure());
  app::Record record = {{"entries", state->entries},
                        {"in_use", state->in_use},
                        {"filled", state->filled},
                        {"bytes", state->bytes},
                        {"refreshes_wanted", state->refreshes_wanted}};
  const bool text = context.output().settings().format == app::OutputFormat::text;
  if (!text) record.push_back({"days", days_json(*state)});
  context.output().record(record);
  if (text) {
    context.output().document("");
    context.output().list(kDayKeys, day_rows(*state), "nothing was read so far");
  }
  if (loaded->settings.lists.cache_ttl.count() == 0)
    context.note("lists.cache_ttl is 0s: lists are read past the cache");
  return app::kOk;
}

}  // namespace

app::Command cache_command() {
  return {.path = "lists cache",
          .help = "Copies of lists that readers are given, and how lists were read",
          .options = {{"--days", "N", "The last days on which any was read (default 7)"}},
          .footer =
              "entries: lists that were read or changed since the database came up; in_use: "
              "read within the last\nhour; filled: with a copy that may be given out; bytes: "
              "of all copies.\nhits: from a copy; misses: computed; stale: either, of a list "
              "that TMDB was not asked about for\nlists.refresh_interval. Days are UTC.\n"
              "Example:\n  spool lists cache --days 30 -o json",
          .run = cache};
}

}  // namespace spool::list_operations
