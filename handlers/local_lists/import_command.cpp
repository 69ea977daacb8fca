#include "handlers/local_lists/import_command.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/event_sender.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/operation_input.hpp"
#include "handlers/local_lists/list_import.hpp"
#include "handlers/local_lists/local_store.hpp"

namespace spool::local_lists {
namespace {

using app::CommandContext;
using base::Failure;
using base::FailureKind;
using base::Result;

constexpr std::size_t kProblemsShown = 100;
constexpr const char* kHandler = "list_operations";

Failure invalid(std::string text) {
  return {FailureKind::invalid, std::move(text)};
}

// One byte beyond the most that is read, so that too large is seen to be too large.
std::string read_some(std::istream& in) {
  std::string bytes(kFileBytesMax + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

Result<std::string> read_content(CommandContext& context) {
  const std::string name = context.arguments().get_or("FILE", "-");
  if (name == "-") return read_some(context.in());
  std::ifstream file(name, std::ios::binary);
  if (!file) return Failure(FailureKind::not_found, name + ": cannot be opened");
  std::string bytes = read_some(file);
  // A directory opens, but cannot be read.
  if (file.bad()) return invalid(name + ": cannot be read");
  return bytes;
}

std::optional<FileFormat> read_format(const app::Arguments& arguments) {
  const auto word = arguments.get("format");
  if (!word) return std::nullopt;
  return *word == "csv" ? FileFormat::csv : FileFormat::json;
}

Result<std::optional<std::string>> read_text(const app::Arguments& arguments, const char* option) {
  const auto text = arguments.get(option);
  if (text && base::printable(*text, text->size()) != *text)
    return invalid("--" + std::string(option) + ": not UTF-8");
  return text;
}

Result<ImportRequest> read_request(const app::Arguments& arguments) {
  ImportRequest request;
  const auto user = list_operations::read_user(arguments, "user");
  if (!user) return user.failure();
  if (!*user) return invalid("--user N is needed: whose list it is");
  request.user = **user;
  const auto name = read_text(arguments, "name");
  const auto description = read_text(arguments, "description");
  const auto language = read_text(arguments, "language");
  for (const auto* text : {&name, &description, &language})
    if (!*text) return text->failure();
  request.fields = {*name, *description, std::nullopt, *language};
  if (const auto word = arguments.get("public")) request.fields.is_public = *word == "true";
  if (const auto to = arguments.get("to")) {
    if (arguments.has("local")) return invalid("--local or --to LIST, not both");
    if (!request.fields.empty())
      return invalid(
          "--to adds to a list that is there: --name, --description, --public and "
          "--language are of a new one");
    const auto list = list_operations::parse_list_id(*to, "--to");
    if (!list) return list.failure();
    request.to = *list;
  }
  return request;
}

void tell_problems(CommandContext& context, const ListFile& file) {
  for (std::size_t i = 0; i < std::min(file.problems.size(), kProblemsShown); ++i) {
    const FileProblem& one = file.problems[i];
    context.note(one.place + ": " + one.field + ": " + one.why);
  }
  if (file.problems.size() > kProblemsShown)
    context.note("and " + std::to_string(file.problems.size() - kProblemsShown) + " more");
}

base::Status write_down(postgres::Transaction& transaction, const CommandContext& context,
                        const ImportRequest& request, const Import& plan, std::size_t movies,
                        const store::Operator& who) {
  base::JsonObject detail;
  detail.number("user_id", request.user);
  detail.number("movies", static_cast<std::int64_t>(movies));
  detail.json("local", context.arguments().has("local") ? "true" : "false");
  const std::string subject = context.arguments().get("to").value_or(base::to_string(plan.list));
  return store::write_audit(transaction, who, {"list.import", kHandler, subject, detail.str()});
}

// What the import is about, in front of how it went.
app::Record about(const CommandContext& context, const ImportRequest& request, const Import& plan,
                  const ListFile& file) {
  app::Record record = {{"user_id", std::int64_t{request.user}}};
  if (const auto to = context.arguments().get("to")) {
    record.push_back({"list", *to});
  } else {
    record.push_back({context.arguments().has("local") ? "local_list_id" : "list_ref",
                      base::to_string(plan.list)});
    record.push_back({"name", plan.fields.name.value_or("")});
  }
  record.push_back({"movies", static_cast<std::int64_t>(file.movies.size())});
  record.push_back({"problems", static_cast<std::int64_t>(file.problems.size())});
  return record;
}

int finish(CommandContext& context, const ListFile& file, app::Record record, app::Field result) {
  record.push_back(std::move(result));
  context.output().record(record);
  return file.problems.empty() ? app::kOk : app::kPartlyDone;
}

int import_here(CommandContext& context, const ListFile& file, const ImportRequest& request,
                const Import& plan, const store::Operator& who) {
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = store::begin_durable(**connection);
  if (!transaction) return context.fail(transaction.failure());
  const auto fresh =
      save_local_list(**transaction, {plan.list, request.user, plan.fields}, file.movies);
  if (!fresh) return context.fail(fresh.failure());
  if (*fresh) {
    const auto written = write_down(**transaction, context, request, plan, file.movies.size(), who);
    if (!written) return context.fail(written.failure());
  }
  if (auto done = (*transaction)->commit(); !done) return context.fail(done.failure());
  if (!*fresh) context.note("this file was brought before under this name: nothing was changed");
  return finish(context, file, about(context, request, plan, file), {"changed", *fresh});
}

Result<app::SendPlan> send_plan(CommandContext& context, const config::Settings& settings,
                                std::int32_t user) {
  const auto registry = context.program().handlers(settings);
  if (!registry) return registry.failure();
  const std::string type(list_operations::kEventType);
  auto topic = app::topic_of_type(type, *registry, settings);
  if (!topic) return topic.failure();
  app::SendPlan plan;
  plan.topic = std::move(*topic);
  plan.attributes.type = type;
  plan.key_of = [user](const std::string&) { return std::optional(std::to_string(user)); };
  return plan;
}

int import_there(CommandContext& context, const ListFile& file, const ImportRequest& request,
                 const Import& plan, const store::Operator& who) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto sending = send_plan(context, loaded->settings, request.user);
  if (!sending) return context.fail(sending.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto transaction = store::begin_durable(**connection);
  if (!transaction) return context.fail(transaction.failure());
  const auto written = write_down(**transaction, context, request, plan, file.movies.size(), who);
  if (!written) return context.fail(written.failure());
  if (auto done = (*transaction)->commit(); !done) return context.fail(done.failure());
  std::int64_t acknowledged = 0;
  const auto sent = app::send_events(
      loaded->settings, std::move(*sending),
      [&](app::EventSender& sender) -> base::Status {
        for (const ImportEvent& event : plan.events)
          if (auto done = sender.send(event.data, event.id); !done) return done;
        return {};
      },
      [&](const app::Acknowledged&) {
        ++acknowledged;
        context.progress(std::to_string(acknowledged) + " of " +
                         std::to_string(plan.events.size()) + " operations");
      });
  context.progress("");
  if (!sent) {
    context.note(std::to_string(acknowledged) +
                 " operations were published; the same command again goes on with the rest");
    return context.fail(sent.failure());
  }
  return finish(context, file, about(context, request, plan, file), {"published", acknowledged});
}

int import_list(CommandContext& context) {
  auto request = read_request(context.arguments());
  if (!request) return context.fail(request.failure());
  const bool dry = context.arguments().has("dry-run");
  const auto who =
      dry ? Result<store::Operator>(store::Operator{}) : app::read_operator(context.arguments());
  if (!who) return context.fail(who.failure());
  const auto content = read_content(context);
  if (!content) return context.fail(content.failure());
  request->content = *content;
  const std::string name = context.arguments().get_or("FILE", "-");
  const auto file = read_list_file(*content, read_format(context.arguments()));
  if (!file) return context.fail(invalid(name + ": " + file.failure().text));
  tell_problems(context, *file);
  if (!context.arguments().has("local") && file->movies.size() > kPublishedMoviesMax)
    return context.fail(invalid(name + ": " + std::to_string(file->movies.size()) +
                                " movies, at most " + std::to_string(kPublishedMoviesMax) +
                                " at once: bring them with --local, and move the list "
                                "(spool lists migrate)"));
  const auto plan = plan_import(*file, *request);
  if (!plan) return context.fail(invalid("the list: " + plan.failure().text));
  if (dry)
    return finish(
        context, *file, about(context, *request, *plan, *file),
        {"would_publish",
         static_cast<std::int64_t>(context.arguments().has("local") ? 0 : plan->events.size())});
  if (context.arguments().has("local")) return import_here(context, *file, *request, *plan, *who);
  return import_there(context, *file, *request, *plan, *who);
}

}  // namespace

app::Command import_command() {
  return {
      .path = "lists import",
      .help = "Make a list of a file",
      .positionals = {{"FILE", "CSV with a column movie_id or tmdb_id, or JSON; - is stdin"}},
      .options = app::with({{"--user", "N", "TMDB user id. Needed"},
                            {"--name", "TEXT", "Of the list (default: what JSON says)"},
                            {"--description", "TEXT", "What the list is about"},
                            {"--public", "WORD", "Whether others see it", {"true", "false"}},
                            {"--language", "CODE", "ISO 639-1, such as en"},
                            {"--format", "WORD", "If the file does not show it", {"csv", "json"}},
                            {"--local", "", "A list that is kept here, not at TMDB"},
                            {"--to", "LIST", "Into a list that is there: its id or list_ref"}},
                           app::change_options()),
      .footer =
          "A line that is wrong is told with its number, and the others are taken. The same file "
          "under\nthe same name, or into the same list, brought twice changes nothing.\n"
          "Exit codes: 2 it is no list, 3 some lines were wrong.\n"
          "Examples:\n  spool lists import noir.csv --user 42 --name Noir --reason 'asked for'\n"
          "  spool lists import noir.json --user 42 --local --dry-run",
      .run = import_list};
}

}  // namespace spool::local_lists
