// Dead letters, for the eyes of operators.
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/text_form.hpp"
#include "engine/store/dead_letter_query.hpp"

namespace spool::app {
namespace {

constexpr std::int64_t kLimitMax = 1000;
constexpr base::EpochMicros kMicrosPerMs = 1000;

Cell maybe(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

int list(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  store::DeadLetterFilter filter;
  filter.handler = arguments.get("handler");
  filter.error_type = arguments.get("error-type");
  filter.cursor = arguments.get_or("cursor", "");
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  if (*limit) filter.limit = **limit;
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page = store::list_dead_letters(**connection, filter);
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::DeadLetterSummary& one : page->letters) {
    rows.push_back(
        {base::to_string(one.id), Time{one.dead_at}, one.handler, one.error_type,
         one.topic + "/" + std::to_string(one.partition) + "@" + std::to_string(one.offset),
         one.source, one.event_id, maybe(one.error_field), one.error_message});
  }
  context.output().page({"id", "dead_at", "handler", "error_type", "record", "source", "event_id",
                         "error_field", "error_message"},
                        rows, "no dead letters", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return kOk;
}

Record summary(const store::DeadLetterSummary& one) {
  return {
      {"id", base::to_string(one.id)},
      {"state", one.state},
      {"handler", one.handler},
      {"source", one.source},
      {"event_id", one.event_id},
      {"event_type", maybe(one.event_type)},
      {"life", std::int64_t{one.life}},
      {"topic", one.topic},
      {"partition", std::int64_t{one.partition}},
      {"offset", one.offset},
      {"timestamp", one.timestamp_ms < 0 ? Cell() : Cell(Time{one.timestamp_ms * kMicrosPerMs})},
      {"error_type", one.error_type},
      {"error_field", maybe(one.error_field)},
      {"error_message", one.error_message},
      {"fingerprint", one.fingerprint},
      {"attempts", std::int64_t{one.attempts}},
      {"first_seen", Time{one.first_seen}},
      {"dead_at", Time{one.dead_at}}};
}

// Bytes as they are if they are text, else in base64; null stays null.
Cell bytes_json(const std::optional<std::string>& bytes) {
  if (!bytes) return {};
  const bool plain = is_plain_text(*bytes);
  return Json{to_json(Record{{"encoding", std::string(plain ? "utf-8" : "base64")},
                             {"data", plain ? *bytes : base64(*bytes)}})};
}

std::string bytes_text(const std::optional<std::string>& bytes) {
  if (!bytes) return "(null)";
  return is_plain_text(*bytes) ? *bytes : "base64:" + base64(*bytes);
}

Cell headers_json(const message::OwnedHeaders& headers) {
  std::string out = "[";
  for (const auto& [name, value] : headers) {
    out += (out.size() > 1 ? ", " : "");
    out += to_json(Record{{"name", name}, {"value", bytes_json(value)}});
  }
  return Json{out + "]"};
}

int show(CommandContext& context) {
  const std::string id = context.arguments().get_or("ID", "");
  const auto uuid = base::parse_uuid(id);
  if (!uuid)
    return context.fail_usage("ID: \"" + id + "\" is not the id of a dead letter (a uuid)");
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto letter = store::show_dead_letter(**connection, *uuid);
  if (!letter) return context.fail(letter.failure());
  Record record = summary(letter->summary);
  if (context.output().settings().format != OutputFormat::text) {
    record.push_back({"key", bytes_json(letter->key)});
    record.push_back({"headers", headers_json(letter->headers)});
    record.push_back({"payload", bytes_json(letter->value)});
    context.output().record(record);
    return kOk;
  }
  record.push_back({"key", bytes_text(letter->key)});
  context.output().record(record);
  context.output().document("\nheaders");
  for (const auto& [name, value] : letter->headers)
    context.output().document("  " + visible(name) + ": " + visible(bytes_text(value)));
  context.output().document("\npayload\n" + bytes_text(letter->value));
  return kOk;
}

}  // namespace

std::vector<Command> dlt_commands() {
  return {
      {.path = "dlt",
       .help = "Events that could not be applied (dead letters)",
       .footer = "They are kept in the database and on the topic's dead-letter topic."},
      {.path = "dlt list",
       .help = "Dead letters, newest first",
       .options = {{"--handler", "NAME", "Only of this handler"},
                   {"--error-type", "WORD", "Only of this class, such as schema.violation"},
                   {"--limit", "N", "At most so many (default 50)"},
                   {"--cursor", "CURSOR", "Go on where the page before ended"}},
       .footer = "Examples:\n  spool dlt list\n"
                 "  spool dlt list --error-type schema.violation --limit 10\n"
                 "  spool dlt list -o jsonl | jq -r .error_message",
       .run = list},
      {.path = "dlt show",
       .help = "One dead letter with its headers and payload",
       .positionals = {{"ID", "Its id, as `dlt list` shows it"}},
       .footer = "A payload, key or header value that is no text is shown in base64.\n"
                 "Examples:\n  spool dlt show 4f1c2a0e-8a5e-5d0c-9a52-5b1f0b1f7a11\n"
                 "  spool dlt show ID -o json | jq .payload.data",
       .run = show},
  };
}

}  // namespace spool::app
