// What operators do to dead letters. Discarding and restoring is asked of the lanes' owners, for it
// may let a key go on; payload and note of an open letter are changed here.
#include <iterator>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/operator_change.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/app/read_file.hpp"
#include "engine/delivery/order_key.hpp"
#include "engine/message/envelope.hpp"
#include "engine/store/dead_letter_edit.hpp"
#include "engine/store/dead_letter_query.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using delivery::CommandKind;

int settle(CommandContext& context, CommandKind kind, const std::string& question) {
  const auto words = read_words(context.arguments(), "ID|FILTER");
  if (!words) return context.fail(words.failure());
  if (words->empty)
    return context.fail_usage("say which: ids, or a filter (state:open and the like means all)");
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto filter = resolve(**connection, *words);
  if (!filter) return context.fail(filter.failure());
  return give_and_finish(context, **connection, {{kind, std::move(*filter), 0}, question});
}

int discard(CommandContext& context) {
  return settle(context, CommandKind::discard, "Discard");
}

int restore(CommandContext& context) {
  return settle(context, CommandKind::restore, "");
}

// "a.b=7": the path and the JSON.
Result<std::vector<store::MemberEdit>> parse_members(const std::vector<std::string>& texts,
                                                     bool structured) {
  std::vector<store::MemberEdit> members;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Failure(FailureKind::invalid, "--field: \"" + text + "\" is not NAME=JSON");
    store::MemberEdit& member = members.emplace_back();
    if (structured) member.path.emplace_back("data");
    std::string name = text.substr(0, equals);
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
      member.path.push_back(name.substr(0, dot));
      name.erase(0, dot + 1);
    }
    member.path.push_back(name);
    member.json = text.substr(equals + 1);
  }
  return members;
}

bool is_structured(const message::OwnedHeaders& headers) {
  bool structured = false;
  for (const auto& [name, value] : headers) {
    if (name == "content-type")
      structured = value && value->starts_with("application/cloudevents+json");
  }
  return structured;
}

Result<std::string> new_payload(CommandContext& context, postgres::Connection& connection,
                                const store::DeadLetterDetail& letter) {
  const Arguments& arguments = context.arguments();
  if (arguments.has("field")) {
    const auto members = parse_members(arguments.all("field"), is_structured(letter.headers));
    if (!members) return members.failure();
    return store::with_members(connection, letter.value.value_or(""), *members);
  }
  const std::string file = arguments.get_or("file", "-");
  if (file != "-") return read_file(file);
  return std::string{std::istreambuf_iterator<char>(context.in()),
                     std::istreambuf_iterator<char>()};
}

// Of handlers with a finer order than the Kafka key, that the edit keeps it.
Result<std::function<base::Uuid(std::string_view, const message::Event&)>> order_key_of(
    CommandContext& context, const std::string& name) {
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  auto made = context.program().handlers(loaded->settings);
  if (!made) return made.failure();
  auto registry = std::make_shared<handler::HandlerRegistry>(std::move(*made));
  const handler::Handler* handler = registry->find(name);
  std::function<base::Uuid(std::string_view, const message::Event&)> order_key;
  if (handler == nullptr)
    return Failure(FailureKind::invalid, "this program has no handler " + name +
                                             ": it cannot tell what an edit would change");
  const handler::ApplyAtOnce* way = handler->applies();
  // What is performed finds its finer key when it is admitted, and it is admitted again.
  if (handler->spec.order != handler::Order::finer_key || way == nullptr) return order_key;
  order_key = [registry, way](std::string_view key, const message::Event& event) {
    return delivery::hash_finer_key(key, way->order_key(event));
  };
  return order_key;
}

int edit(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto id = read_id(arguments, "ID", "a dead letter");
  if (!id) return context.fail(id.failure());
  if (arguments.has("file") && arguments.has("field"))
    return context.fail_usage("--file or --field, not both");
  if (!arguments.has("file") && !arguments.has("field") && context.in_is_terminal())
    return context.fail_usage("no payload: give --field or --file, or pipe it in");
  const bool dry = arguments.has("dry-run");
  const auto who = read_operator(arguments);
  if (!who && !dry) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto letter = store::show_dead_letter(**connection, *id);
  if (!letter) return context.fail(letter.failure());
  auto payload = new_payload(context, **connection, *letter);
  if (!payload) return context.fail(payload.failure());
  auto order_key = order_key_of(context, letter->summary.handler);
  if (!order_key) return context.fail(order_key.failure());
  const store::PayloadEdit request{*id, letter->value, std::move(*payload), std::move(*order_key)};
  const auto done = dry ? store::check_edit(**connection, request)
                        : store::edit_payload(**connection, request, *who);
  if (!done) return context.fail(done.failure());
  const std::string text = base::to_string(*id);
  context.output().say(
      dry ? request.after : "edited " + text + "; it is applied with: spool replay start " + text,
      {{"id", text}, {"edited", !dry}, {"payload", request.after}});
  return kOk;
}

int note(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto id = read_id(arguments, "ID", "a dead letter");
  if (!id) return context.fail(id.failure());
  const auto who = read_operator(arguments);
  if (!who && !arguments.has("dry-run")) return context.fail(who.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto letter = store::show_dead_letter(**connection, *id);
  if (!letter) return context.fail(letter.failure());
  const std::string text = arguments.get_or("TEXT", "");
  if (!arguments.has("dry-run")) {
    if (auto done = store::set_note(**connection, *id, text, *who); !done)
      return context.fail(done.failure());
  }
  const Cell before = letter->summary.note ? Cell(*letter->summary.note) : Cell();
  context.output().record({{"id", base::to_string(*id)},
                           {"before", before},
                           {"note", text.empty() ? Cell() : Cell(text)}});
  return kOk;
}

const Positional kWords{"ID|FILTER", "Ids, or words such as error:schema.*", false, true};

}  // namespace

std::vector<Command> dlt_change_commands() {
  return {
      {.path = "dlt discard",
       .help = "Give dead letters up; `dlt restore` takes it back",
       .positionals = {kWords},
       .options = bulk_options(),
       .footer =
           "Carried out by the owners of the partitions; a key that one of them holds goes on.\n"
           "Exit codes: 3 not all within --wait, 4 nothing is meant, 5 nothing of it is open.\n"
           "Examples:\n  spool dlt discard ID --reason 'test data' --yes\n"
           "  spool dlt discard 'error:schema.*' 'age:>30d' --reason 'too old' --dry-run",
       .run = discard},
      {.path = "dlt restore",
       .help = "Discarded dead letters are open again",
       .positionals = {kWords},
       .options = bulk_options(),
       .footer = "Example:\n  spool dlt restore ID --reason 'discarded by mistake'",
       .run = restore},
      {.path = "dlt edit",
       .help = "Replace the payload of an open dead letter",
       .positionals = {{"ID", "Its id, as `dlt list` shows it"}},
       .options = with(
           {{"-f,--file", "FILE", "The new payload, whole; - is stdin (default)"},
            {"--field", "NAME=JSON", "Only this member of the data, a.b=7; repeatable", {}, true}},
           change_options()),
       .footer =
           "Key, headers, source, id and type stay: it is the same event. Applied by a replay. "
           "With\n--field the members may come in another order.\n"
           "Examples:\n  spool dlt edit ID --field duration_s=8160 --reason 'player bug 7'\n"
           "  spool dlt show ID -o json | jq -r .payload.data > p.json\n"
           "  spool dlt edit ID -f p.json --reason 'mended' --dry-run",
       .run = edit},
      {.path = "dlt note",
       .help = "Keep a remark on a dead letter, or take it away",
       .positionals = {{"ID", "Its id, as `dlt list` shows it"},
                       {"TEXT", "The remark; without it the old one goes", false}},
       .options = change_options(),
       .footer = "Example:\n  spool dlt note ID 'waits for release 7' --reason triage",
       .run = note},
  };
}

}  // namespace spool::app
