#include "handlers/progress_events/progress_commands.hpp"

#include <array>
#include <charconv>
#include <limits>

#include "engine/app/command_context.hpp"
#include "engine/message/json_reader.hpp"
#include "engine/message/record_batch.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/progress_events/progress_events.hpp"

namespace spool::progress_events {
namespace {

using app::Cell;
using app::CommandContext;

constexpr std::int64_t kLimitDefault = 20;
constexpr std::int64_t kLimitMax = 1000;
constexpr std::int64_t kIdMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kEpisodeMax = std::numeric_limits<std::int16_t>::max();
constexpr std::int64_t kSecondsPerMinute = 60;
constexpr int kCompletedPercentDefault = Settings{}.completed_percent;

std::optional<std::int32_t> number(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < min || value > max) return std::nullopt;
  return value;
}

base::Failure no_media(std::string_view text) {
  return {base::FailureKind::invalid,
          "MEDIA: \"" + std::string(text) +
              "\" is neither movie:ID nor tv:ID:SEASON:EPISODE, such as movie:603 or tv:1399:1:2"};
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

// 4205 -> "1:10:05"
std::string clock_text(std::int64_t seconds) {
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::int64_t minutes = seconds / kSecondsPerMinute;
  return std::to_string(minutes / kSecondsPerMinute) + ":" + two(minutes % kSecondsPerMinute) +
         ":" + two(seconds % kSecondsPerMinute);
}

std::vector<std::string> keys() {
  return {"media",      "position_s",   "duration_s", "percent",   "at",
          "updated_at", "completed_at", "state",      "session_id"};
}

std::vector<Cell> cells(const WatchedItem& watched) {
  const auto maybe = [](const std::string& text) { return text.empty() ? Cell() : Cell(text); };
  return {media_text(watched.item),
          std::int64_t{watched.position_s},
          std::int64_t{watched.duration_s},
          std::int64_t{watched.position_s} * 100 / watched.duration_s,
          clock_text(watched.position_s) + " of " + clock_text(watched.duration_s),
          app::Time{watched.updated_at},
          watched.completed_at ? Cell(app::Time{*watched.completed_at}) : Cell(),
          maybe(watched.state),
          maybe(watched.session_id)};
}

base::Result<std::int64_t> user_of(const app::Arguments& arguments) {
  const auto user = arguments.number("USER", 1, std::numeric_limits<std::int64_t>::max());
  if (!user) return user.failure();
  return user->value();
}

int get(CommandContext& context) {
  const auto user = user_of(context.arguments());
  if (!user) return context.fail(user.failure());
  const std::string media = context.arguments().get_or("MEDIA", "");
  const auto item = parse_media(*user, media);
  if (!item) return context.fail(item.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = (*connection)->begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto found = resume_position(**transaction, *item);
  if (!found) return context.fail(found.failure());
  if (!*found)
    return context.fail(app::kNotFound,
                        "user " + std::to_string(*user) + " has not begun " + media);
  app::Record record = {{"user_id", *user}};
  const std::vector<std::string> names = keys();
  const std::vector<Cell> values = cells(**found);
  for (std::size_t i = 0; i < names.size(); ++i) record.push_back({names[i], values[i]});
  context.output().record(record);
  return app::kOk;
}

int completed_percent(const config::Settings& settings) {
  const auto& options = settings.handlers.at("progress_events").options;
  const auto found = options.find("completed_percent");
  if (found == options.end()) return kCompletedPercentDefault;
  return static_cast<int>(std::get<std::int64_t>(found->second));
}

int continue_watching_command(CommandContext& context) {
  const auto user = user_of(context.arguments());
  if (!user) return context.fail(user.failure());
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = (*connection)->begin();
  if (!transaction) return context.fail(transaction.failure());
  const auto items = continue_watching(**transaction, *user, completed_percent(loaded->settings),
                                       static_cast<int>(limit->value_or(kLimitDefault)));
  if (!items) return context.fail(items.failure());
  std::vector<std::vector<Cell>> rows;
  for (const WatchedItem& one : *items) rows.push_back(cells(one));
  context.output().list(keys(), rows, "nothing to go on with");
  return app::kOk;
}

}  // namespace

base::Result<Item> parse_media(std::int64_t user_id, std::string_view text) {
  const std::vector<std::string_view> parts = split(text);
  Item item;
  item.user_id = user_id;
  const bool movie = parts[0] == "movie" && parts.size() == 2;
  const bool episode = parts[0] == "tv" && parts.size() == 4;
  if (!movie && !episode) return no_media(text);
  const auto id = number(parts[1], 1, kIdMax);
  if (!id) return no_media(text);
  item.tmdb_id = *id;
  if (movie) return item;
  const auto season_number = number(parts[2], 0, kEpisodeMax);
  const auto episode_number = number(parts[3], 0, kEpisodeMax);
  if (!season_number || !episode_number) return no_media(text);
  item.media_type = MediaType::tv;
  item.season = *season_number;
  item.episode = *episode_number;
  return item;
}

std::string media_text(const Item& item) {
  std::string text = std::string(to_string(item.media_type)) + ":" + std::to_string(item.tmdb_id);
  if (item.media_type == MediaType::tv)
    text += ":" + std::to_string(item.season) + ":" + std::to_string(item.episode);
  return text;
}

std::optional<std::string> publish_key(std::string_view type, const std::string& data) {
  if (type != kEventType) return std::nullopt;
  const std::array<message::JsonField, 2> fields = {{
      {"user_id", message::JsonKind::integer, false, std::numeric_limits<std::int64_t>::min()},
      {"tmdb_id", message::JsonKind::integer, false, std::numeric_limits<std::int64_t>::min()},
  }};
  std::array<message::JsonValue, 2> values;
  std::string padded = data;
  padded.resize(data.size() + message::kReadAheadBytes);
  message::JsonReader reader;
  // What else is wrong with the document is none of our business here.
  static_cast<void>(reader.read(std::string_view(padded).substr(0, data.size()), fields, values));
  if (!values[0].present || !values[1].present) return std::nullopt;
  return std::to_string(values[0].integer) + ":" + std::to_string(values[1].integer);
}

std::vector<app::Command> progress_commands() {
  return {
      {.path = "progress",
       .help = "How far users have watched",
       .footer = "Writing is publishing: spool publish progress.v1"},
      {.path = "progress get",
       .help = "Where a user stopped in one movie or episode",
       .positionals = {{"USER", "User id"}, {"MEDIA", "movie:ID or tv:ID:SEASON:EPISODE"}},
       .footer = "Exit code 4: the user has not begun it.\n"
                 "Examples:\n  spool progress get 7 movie:603\n"
                 "  spool progress get 7 tv:1399:1:2 -o json",
       .run = get},
      {.path = "progress continue-watching",
       .help = "What a user has begun and not seen to the end, newest first",
       .positionals = {{"USER", "User id"}},
       .options = {{"--limit", "N", "At most so many titles (default 20)"}},
       .footer = "Examples:\n  spool progress continue-watching 7\n"
                 "  spool progress continue-watching 7 --limit 5 -o jsonl",
       .run = continue_watching_command},
  };
}

}  // namespace spool::progress_events
