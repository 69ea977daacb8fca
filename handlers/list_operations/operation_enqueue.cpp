#include "handlers/list_operations/operation_enqueue.hpp"

#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/event_sender.hpp"
#include "handlers/list_operations/operation_request.hpp"
#include "handlers/list_operations/publish_key.hpp"

namespace spool::list_operations {
namespace {

int enqueue(app::CommandContext& context) {
  const auto request = read_request(context.arguments(), base::random_uuid());
  if (!request) return context.fail(request.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto plan = operations_plan(context, loaded->settings);
  if (!plan) return context.fail(plan.failure());
  const std::string topic = plan->topic;
  const bool create = request->operation.change.type == OperationType::create_list;
  const auto sent = app::send_events(
      loaded->settings, std::move(*plan),
      [&](app::EventSender& sender) {
        return sender.send(request->data, base::to_string(request->id));
      },
      [&](const app::Acknowledged& one) {
        app::Record record = {{"id", one.id}};
        if (create) record.push_back({"list_ref", base::to_string(*request->operation.list_ref)});
        const app::Record place = {
            {"topic", topic}, {"partition", std::int64_t{one.partition}}, {"offset", one.offset}};
        record.insert(record.end(), place.begin(), place.end());
        context.output().line(record);
      });
  if (!sent) return context.fail(sent.failure());
  return app::kOk;
}

}  // namespace

base::Result<app::SendPlan> operations_plan(app::CommandContext& context,
                                            const config::Settings& settings) {
  const auto registry = context.program().handlers(settings);
  if (!registry) return registry.failure();
  auto topic = app::topic_of_type(std::string(kEventType), *registry, settings);
  if (!topic) return topic.failure();
  app::SendPlan plan;
  plan.topic = std::move(*topic);
  plan.attributes.type = kEventType;
  plan.key_of = [](const std::string& data) { return publish_key(kEventType, data); };
  return plan;
}

app::Command enqueue_command() {
  return {
      .path = "operations enqueue",
      .help = "Ask for an operation on a list at TMDB",
      .positionals = {{"TYPE",
                       "create_list, update_list, delete_list, clear_list, add_movie, "
                       "remove_movie or refresh_list"}},
      .options = {{"--user", "N", "TMDB user id. Needed"},
                  {"--list", "ID", "The list's id at TMDB"},
                  {"--ref", "UUID", "Its list_ref, of a list that TMDB need not know yet"},
                  {"--name", "TEXT", "Of the list: create_list and update_list, as the next three"},
                  {"--description", "TEXT", "What the list is about"},
                  {"--public", "WORD", "Whether others see it", {"true", "false"}},
                  {"--language", "CODE", "ISO 639-1, such as en"},
                  {"--movie", "ID", "TMDB movie id: add_movie and remove_movie"},
                  {"--at", "TIME", "Not before then, such as 2026-01-02T03:04:05Z"},
                  {"--id", "UUID", "The operation's id; the same one twice counts once"}},
      .footer =
          "Prints its id, for create_list the list_ref by which the list is named from now on, and "
          "topic,\npartition and offset once the broker has acknowledged it. "
          "Exit code 2: it breaks a rule.\n"
          "Examples:\n  spool operations enqueue create_list --user 42 --name Noir\n"
          "  spool operations enqueue add_movie --user 42 --ref UUID --movie 550\n"
          "  spool operations enqueue delete_list --user 42 --list 8136 --at 2026-01-02T03:04:05Z",
      .run = enqueue};
}

}  // namespace spool::list_operations
