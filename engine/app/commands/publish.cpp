// Publishes events as any producer would. Nothing is validated, so that invalid events can be tried
// out too; success means acknowledged by the broker.
#include <fstream>
#include <iterator>
#include <optional>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/event_record.hpp"
#include "engine/app/event_sender.hpp"
#include "engine/app/read_file.hpp"

namespace spool::app {
namespace {

constexpr std::int64_t kRateMax = 1'000'000;

base::Result<SendPlan> make_plan(CommandContext& context, const config::Settings& settings) {
  const Arguments& arguments = context.arguments();
  SendPlan plan;
  plan.attributes.type = arguments.get_or("TYPE", "");
  plan.attributes.id = arguments.get_or("id", "");
  plan.attributes.source = arguments.get_or("source", plan.attributes.source);
  plan.attributes.time = arguments.get_or("time", "");
  plan.key_of = [given = arguments.get("key"), type = plan.attributes.type,
                 &derive = context.program().publish_key](const std::string& data) {
    if (given) return given;
    return derive ? derive(type, data) : std::nullopt;
  };
  if (arguments.has("id") && arguments.has("jsonl")) {
    return base::Failure(base::FailureKind::invalid,
                         "--id with --jsonl would give all events one id: leave it out");
  }
  auto extra = parse_headers(arguments.all("header"));
  if (!extra) return extra.failure();
  plan.extra = std::move(*extra);
  const auto rate = arguments.number("rate", 1, kRateMax);
  if (!rate) return rate.failure();
  plan.rate = rate->value_or(0);
  if (auto topic = arguments.get("topic")) {
    plan.topic = *topic;
    return plan;
  }
  const auto registry = context.program().handlers(settings);
  if (!registry) return registry.failure();
  auto topic = topic_of_type(plan.attributes.type, *registry, settings);
  if (!topic) return topic.failure();
  plan.topic = std::move(*topic);
  return plan;
}

base::Status send_lines(std::istream& lines, EventSender& sender) {
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (auto sent = sender.send(line); !sent) return sent;
  }
  return {};
}

base::Status send_all(CommandContext& context, EventSender& sender) {
  const std::string file = context.arguments().get_or("file", "-");
  const bool from_stdin = file == "-";
  if (context.arguments().has("jsonl")) {
    if (from_stdin) return send_lines(context.in(), sender);
    std::ifstream lines(file);
    if (!lines) return base::Failure(base::FailureKind::not_found, file + ": cannot be opened");
    return send_lines(lines, sender);
  }
  if (from_stdin) {
    return sender.send(std::string{std::istreambuf_iterator<char>(context.in()),
                                   std::istreambuf_iterator<char>()});
  }
  const auto data = read_file(file);
  if (!data) return data.failure();
  return sender.send(*data);
}

int publish(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  if (!context.arguments().has("file") && context.in_is_terminal())
    return context.fail_usage("no data: give -f FILE, or pipe it in");
  auto plan = make_plan(context, loaded->settings);
  if (!plan) return context.fail(plan.failure());
  const std::string topic = plan->topic;
  const auto sent = send_events(
      loaded->settings, std::move(*plan),
      [&](EventSender& sender) { return send_all(context, sender); },
      [&](const Acknowledged& one) {
        context.output().line({{"id", one.id},
                               {"topic", topic},
                               {"partition", std::int64_t{one.partition}},
                               {"offset", one.offset}});
      });
  if (!sent) return context.fail(sent.failure());
  return kOk;
}

}  // namespace

std::vector<Command> publish_commands() {
  return {
      {.path = "publish",
       .help = "Publish events; they are not validated",
       .positionals = {{"TYPE", "Event type, such as progress.v1: decides the topic"}},
       .options = {{"-k,--key", "KEY", "Kafka key (default: what the type derives from the data)"},
                   {"-H,--header",
                    "NAME=VALUE",
                    "A header as it is, also in place of an attribute; repeatable",
                    {},
                    true},
                   {"-f,--file", "FILE", "The data (JSON); - is stdin (default)"},
                   {"--jsonl", "", "Every line is the data of an event of its own"},
                   {"--rate", "N", "At most N events a second"},
                   {"--id", "ID", "ce_id (default: a random uuid)"},
                   {"--source", "SOURCE", "ce_source (default spool-cli)"},
                   {"--time", "TIME", "ce_time (default: now)"},
                   {"--topic", "TOPIC", "Another topic than the type's"}},
       .footer =
           "Prints id, topic, partition and offset of each event once the broker has acknowledged\n"
           "it. Examples:\n"
           "  echo '{\"user_id\":7,\"media_type\":\"movie\",\"tmdb_id\":603,\"position_s\":600,\n"
           "  \"duration_s\":8160,\"updated_at\":\"2026-01-02T03:04:05Z\"}' | spool publish "
           "progress.v1\n"
           "  spool publish progress.v1 -f event.json -k 7:603 --id my-1 -o json\n"
           "  spool publish progress.v1 --jsonl -f events.jsonl --rate 1000 --quiet",
       .run = publish}};
}

}  // namespace spool::app
