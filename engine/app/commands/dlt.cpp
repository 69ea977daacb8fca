// Dead letters, for the eyes of operators. What changes them: dlt_change.cpp.
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/dead_letter_form.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/app/text_form.hpp"
#include "engine/store/dead_letter_groups.hpp"
#include "engine/store/dead_letter_query.hpp"

namespace spool::app {
namespace {

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;

Cell maybe(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

// A connection, and the filter that the arguments name.
struct Question {
  std::unique_ptr<postgres::Connection> connection;
  store::EventFilter filter;
  std::int64_t limit = kLimit;
};

base::Result<Question> ask(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto words = read_words(arguments, "ID|FILTER");
  if (!words) return words.failure();
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return limit.failure();
  auto connection = context.connect();
  if (!connection) return connection.failure();
  auto filter = resolve(**connection, *words);
  if (!filter) return filter.failure();
  return Question{std::move(*connection), std::move(*filter), limit->value_or(kLimit)};
}

int list(CommandContext& context) {
  const auto question = ask(context);
  if (!question) return context.fail(question.failure());
  const auto page =
      store::list_dead_letters(*question->connection, question->filter, question->limit,
                               context.arguments().get_or("cursor", ""));
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::DeadLetterSummary& one : page->letters) {
    rows.push_back(
        {base::to_string(one.id), Time{one.dead_at}, one.state, one.handler, one.error_type,
         one.topic + "/" + std::to_string(one.partition) + "@" + std::to_string(one.offset),
         one.source, one.event_id, maybe(one.error_field), one.error_message,
         one.note ? Cell(*one.note) : Cell()});
  }
  context.output().page({"id", "dead_at", "state", "handler", "error_type", "record", "source",
                         "event_id", "error_field", "error_message", "note"},
                        rows, "no dead letters", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return kOk;
}

store::GroupBy group_by(const std::string& word) {
  if (word == "handler") return store::GroupBy::handler;
  if (word == "topic") return store::GroupBy::topic;
  if (word == "error") return store::GroupBy::error;
  return store::GroupBy::cause;
}

int groups(CommandContext& context) {
  auto question = ask(context);
  if (!question) return context.fail(question.failure());
  if (!question->filter.state) question->filter.state = "open";
  const auto found = store::group_dead_letters(*question->connection, question->filter,
                                               group_by(context.arguments().get_or("by", "cause")),
                                               question->limit);
  if (!found) return context.fail(found.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::DeadLetterGroup& one : *found) {
    const auto only = [](std::int64_t count, const std::string& text) {
      return count == 1 ? Cell(text) : Cell("(" + std::to_string(count) + ")");
    };
    rows.push_back({one.count, Time{one.first}, Time{one.last}, only(one.handlers, one.handler),
                    only(one.error_types, one.error_type), base::to_string(one.sample), one.group,
                    one.message});
  }
  context.output().list({"count", "first_dead_at", "last_dead_at", "handler", "error_type",
                         "sample", "group", "sample_message"},
                        rows, "no dead letters");
  return kOk;
}

void show_text(CommandContext& context, const store::DeadLetterDetail& letter) {
  Record record = letter_summary(letter.summary);
  record.push_back({"key", bytes_text(letter.key)});
  Output& output = context.output();
  output.record(record);
  output.document("\nattempts that failed\n" + visible(letter.history_json));
  output.document("\nheaders");
  for (const auto& [name, value] : letter.headers)
    output.document("  " + visible(name) + ": " + visible(bytes_text(value)));
  output.document("\npayload\n" + bytes_text(letter.value));
}

int show(CommandContext& context) {
  const auto id = read_id(context.arguments(), "ID", "a dead letter");
  if (!id) return context.fail(id.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto letter = store::show_dead_letter(**connection, *id);
  if (!letter) return context.fail(letter.failure());
  if (context.output().settings().format == OutputFormat::text) {
    show_text(context, *letter);
  } else {
    context.output().record(letter_record(*letter));
  }
  return kOk;
}

std::string exported(const std::string& format, const store::DeadLetterDetail& letter) {
  if (format == "kcat") return kcat_envelope(letter);
  if (format == "csv") return csv_line(letter);
  return to_json(letter_record(letter));
}

int export_letters(CommandContext& context) {
  auto question = ask(context);
  if (!question) return context.fail(question.failure());
  const std::string format = context.arguments().get_or("format", "jsonl");
  if (format == "csv") context.out() << csv_head() << "\n";
  std::string cursor;
  do {
    const auto batch = store::read_dead_letters(*question->connection, question->filter, cursor);
    if (!batch) return context.fail(batch.failure());
    for (const store::DeadLetterDetail& one : batch->letters)
      context.out() << exported(format, one) << "\n";
    cursor = batch->next;
    // Whoever reads from the pipe may have gone.
  } while (!cursor.empty() && context.out());
  return kOk;
}

const Positional kWords{"ID|FILTER", "Ids, or words such as error:schema.*", false, true};
const Option kLimitOption{"--limit", "N", "At most so many (default 50)"};

}  // namespace

std::vector<Command> dlt_commands() {
  return {
      {.path = "dlt",
       .help = "Events that could not be applied (dead letters)",
       .footer = "They are kept in the database and on the topic's dead-letter topic."},
      {.path = "dlt groups",
       .help = "Dead letters by what they have in common, the largest group first",
       .positionals = {kWords},
       .options = with({{"--by",
                         "WHAT",
                         "cause (default: the same error without what varies), handler, topic, "
                         "error",
                         {"cause", "handler", "topic", "error"}},
                        kLimitOption},
                       filter_options()),
       .footer = "Open ones, unless --state says otherwise.\n"
                 "Examples:\n  spool dlt groups\n  spool dlt groups --by error age:>1d",
       .run = groups},
      {.path = "dlt list",
       .help = "Dead letters, newest first",
       .positionals = {kWords},
       .options = with({kLimitOption, {"--cursor", "CURSOR", "Go on where the page before ended"}},
                       filter_options()),
       .footer = "States: open, replaying, resolved, discarded.\n"
                 "Examples:\n  spool dlt list\n"
                 "  spool dlt list --error 'schema.*' --state open --limit 10\n"
                 "  spool dlt list 'key:42:603' 'age:>1h' -o jsonl | jq -r .error_message",
       .run = list},
      {.path = "dlt show",
       .help = "One dead letter with its attempts, headers and payload",
       .positionals = {{"ID", "Its id, as `dlt list` shows it"}},
       .footer = "A payload, key or header value that is no text is shown in base64.\n"
                 "Examples:\n  spool dlt show 4f1c2a0e-8a5e-5d0c-9a52-5b1f0b1f7a11\n"
                 "  spool dlt show ID -o json | jq .payload.data",
       .run = show},
      {.path = "dlt export",
       .help = "Dead letters in full, oldest first, to stdout",
       .positionals = {kWords},
       .options = with({{"--format",
                         "FORM",
                         "jsonl (default), kcat (the envelope of kcat -J), csv",
                         {"jsonl", "kcat", "csv"}}},
                       filter_options()),
       .footer =
           "Takes the same memory for a million as for ten. Payloads are written as they are: "
           "mind\nwho may read them. Bytes that are no text are in base64.\n"
           "Examples:\n  spool dlt export > letters.jsonl\n"
           "  spool dlt export --format csv --state open error:db.*",
       .run = export_letters},
  };
}

}  // namespace spool::app
