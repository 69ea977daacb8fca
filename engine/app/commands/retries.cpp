// Events that wait for another attempt or for their time.
#include <charconv>
#include <map>

#include "engine/app/command_context.hpp"
#include "engine/app/command_watch.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/operator_change.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using delivery::CommandKind;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;

std::string id_of(const store::OpenEventInfo& one) {
  return one.handler + "/" + std::to_string(one.partition) + "/" + std::to_string(one.number);
}

int list(CommandContext& context) {
  const auto words = read_words(context.arguments(), "FILTER");
  if (!words) return context.fail(words.failure());
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto filter = resolve(**connection, *words);
  if (!filter) return context.fail(filter.failure());
  const auto events = store::list_open_events(**connection, *filter, limit->value_or(kLimit));
  if (!events) return context.fail(events.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::OpenEventInfo& one : *events) {
    rows.push_back({id_of(one), one.state, one.due_at ? Cell(Time{*one.due_at}) : Cell(),
                    std::int64_t{one.attempts}, std::int64_t{one.life}, one.parked,
                    one.error_type.empty() ? Cell() : Cell(one.error_type), one.source,
                    one.event_id, Time{one.opened_at},
                    one.error_message.empty() ? Cell() : Cell(one.error_message)});
  }
  context.output().list({"id", "state", "due_at", "attempts", "life", "parked_behind", "error_type",
                         "source", "event_id", "opened_at", "error_message"},
                        rows, "nothing waits");
  return kOk;
}

// "handler/3/17"
struct OpenId {
  std::string handler;
  std::int32_t partition = 0;
  std::int64_t number = 0;
};

template <typename Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size() && into >= 0;
}

std::optional<OpenId> parse_open_id(std::string_view text) {
  const std::size_t second = text.rfind('/');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const std::size_t first = text.rfind('/', second - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  OpenId id;
  id.handler = std::string(text.substr(0, first));
  if (!parse_number(text.substr(first + 1, second - first - 1), id.partition) ||
      !parse_number(text.substr(second + 1), id.number))
    return std::nullopt;
  return id;
}

// What is meant: the ids, as one filter a partition, or the words.
Result<std::vector<store::EventFilter>> meant(CommandContext& context,
                                              postgres::Connection& connection) {
  std::map<std::pair<std::string, std::int32_t>, std::vector<std::int64_t>> numbers;
  Arguments words = context.arguments();
  std::vector<std::string> others;
  for (const std::string& text : context.arguments().all("ID|FILTER")) {
    if (const auto id = parse_open_id(text)) {
      numbers[{id->handler, id->partition}].push_back(id->number);
    } else {
      others.push_back(text);
    }
  }
  words.set("ID|FILTER", others);
  const auto read = read_words(words, "ID|FILTER");
  if (!read) return read.failure();
  if (numbers.empty() && read->empty)
    return Failure(FailureKind::invalid,
                   "say which: ids as `retries list` shows them, or a filter");
  if (!numbers.empty() && !read->empty)
    return Failure(FailureKind::invalid, "ids or a filter, not both");
  if (!read->filter.ids.empty() || read->filter.fingerprint)
    return Failure(FailureKind::invalid, "uuids and fingerprints are of dead letters");
  std::vector<store::EventFilter> filters;
  filters.reserve(numbers.size() + 1);
  for (const auto& [lane, list] : numbers)
    filters.push_back({.handler = lane.first, .partition = lane.second, .numbers = list});
  if (!filters.empty()) return filters;
  auto filter = resolve(connection, *read);
  if (!filter) return filter.failure();
  filters.push_back(std::move(*filter));
  return filters;
}

int change(CommandContext& context, CommandKind kind, const std::string& question) {
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto filters = meant(context, **connection);
  if (!filters) return context.fail(filters.failure());
  const auto wait = read_wait(context.arguments());
  if (!wait) return context.fail(wait.failure());
  std::vector<store::GivenCommand> commands;
  for (const store::EventFilter& filter : *filters) {
    const Given given = give(context, **connection, {{kind, filter, 0}, question});
    if (given.code != kOk) return given.code;
    commands.insert(commands.end(), given.commands.begin(), given.commands.end());
  }
  if (commands.empty()) return kOk;
  return finish_commands(context, **connection, commands, *wait);
}

int now(CommandContext& context) {
  return change(context, CommandKind::retry_now, "");
}

int cancel(CommandContext& context) {
  return change(context, CommandKind::cancel, "Close without effect");
}

const Positional kWords{"ID|FILTER", "HANDLER/PARTITION/NUMBER, or words such as error:upstream.*",
                        false, true};

}  // namespace

std::vector<Command> retries_commands() {
  return {
      {.path = "retries",
       .help = "Events that wait for another attempt, or for their time",
       .footer = "A head holds its key: later events of the key are parked behind it, in order."},
      {.path = "retries list",
       .help = "Heads and scheduled events, those that are due first",
       .positionals = {{"FILTER", "Words such as error:upstream.*", false, true}},
       .options = with({{"--limit", "N", "At most so many (default 50)"}}, filter_options()),
       .footer = "States: head, scheduled. An event that was scheduled has no error.\n"
                 "Examples:\n  spool retries list\n  spool retries list error:upstream.* age:>10m",
       .run = list},
      {.path = "retries now",
       .help = "Make the next attempt at once, whatever its time",
       .positionals = {kWords},
       .options = bulk_options(),
       .footer = "Exit codes: 3 not all within --wait, 4 nothing waits that is meant.\n"
                 "Examples:\n  spool retries now progress_events/3/17 --reason 'service is back'\n"
                 "  spool retries now error:upstream.* --reason 'service is back'",
       .run = now},
      {.path = "retries cancel",
       .help = "Close events that wait, without effect",
       .positionals = {kWords},
       .options = bulk_options(),
       .footer =
           "Also what is parked. What follows in the same key goes on.\n"
           "Example:\n  spool retries cancel progress_events/3/17 --reason 'asked by the user' "
           "--yes",
       .run = cancel},
  };
}

}  // namespace spool::app
