// Dead letters of other systems, published again to the topic they came from.
#include <algorithm>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/foreign_redrive.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/app/worker_settings.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;

constexpr std::int64_t kLimitMax = 1'000'000'000;
constexpr std::chrono::seconds kSession{10};

Result<RedriveSettings> settings_of(CommandContext& context, const config::Settings& settings) {
  const Arguments& arguments = context.arguments();
  RedriveSettings redrive;
  redrive.topic = arguments.get_or("topic", "");
  redrive.to = arguments.get_or("to", "");
  if (redrive.topic.empty() || redrive.to.empty())
    return Failure(FailureKind::invalid,
                   "--topic TOPIC and --to TOPIC are needed: the dead letters, and where they came "
                   "from");
  if (redrive.topic == redrive.to)
    return Failure(FailureKind::invalid, "--to: dead letters cannot go back to their own topic");
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return limit.failure();
  if (*limit) redrive.limit = **limit;
  redrive.group = "spool.redrive." + redrive.topic;
  redrive.replay_id = base::to_string(base::random_uuid());
  redrive.from_start = arguments.has("from-start");
  redrive.dry_run = arguments.has("dry-run");
  redrive.patience = settings.producer.delivery_timeout;
  return redrive;
}

kafka::ConsumerSettings consumer_of(const config::Settings& settings) {
  kafka::ConsumerSettings consumer;
  consumer.bootstrap_servers = settings.kafka.bootstrap_servers;
  consumer.client_id = settings.kafka.client_id;
  consumer.session_timeout = kSession;
  consumer.prefetch_bytes_per_partition = 1UL << 20;
  consumer.properties = kafka_properties(settings.kafka);
  return consumer;
}

std::string audited(const RedriveSettings& redrive, const RedriveReport* report) {
  Record record = {
      {"to", redrive.to}, {"replay_id", redrive.replay_id}, {"from_start", redrive.from_start}};
  if (report != nullptr) {
    record.push_back({"published", report->published});
    record.push_back({"skipped", report->skipped});
  }
  return to_json(record);
}

base::Status write_down(postgres::Connection& connection, const store::Operator& who,
                        const RedriveSettings& redrive, const RedriveReport* report) {
  auto begun = store::begin_durable(connection);
  if (!begun) return begun.failure();
  const std::string action = report == nullptr ? "foreign.start" : "foreign.finished";
  if (auto done = store::write_audit(
          **begun, who, {action, std::nullopt, redrive.topic, audited(redrive, report)});
      !done)
    return done;
  return (*begun)->commit();
}

int show(CommandContext& context, const RedriveSettings& redrive, const RedriveReport& report) {
  std::vector<std::vector<Cell>> rows;
  for (const auto& [kind, count] : report.counts) {
    const bool published = kind.verdict == "published";
    rows.push_back({count,
                    std::string(!published        ? "skip"
                                : redrive.dry_run ? "publish"
                                                  : "published"),
                    published ? Cell() : Cell(kind.verdict),
                    kind.origin.empty() ? Cell() : Cell(kind.origin),
                    kind.exception.empty() ? Cell() : Cell(kind.exception)});
  }
  context.output().list({"count", "verdict", "because", "origin", "exception"}, rows,
                        "there is nothing new in " + redrive.topic);
  if (redrive.dry_run) {
    context.note("nothing was done: --dry-run");
    return kOk;
  }
  context.note(std::to_string(report.published) + " published to " + redrive.to + ", " +
               std::to_string(report.skipped) + " skipped; spool-replay-id " + redrive.replay_id);
  if (!report.interrupted) return report.skipped > 0 ? kPartlyDone : kOk;
  context.note("interrupted; the same command goes on where this one ended");
  return kInterrupted;
}

bool is_allowed(const config::Settings& settings, const std::string& topic) {
  const auto& allowed = settings.replay.allow_topics;
  return std::ranges::find(allowed, topic) != allowed.end();
}

int redrive(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const config::Settings& settings = loaded->settings;
  const auto redrive = settings_of(context, settings);
  if (!redrive) return context.fail(redrive.failure());
  const auto who = read_operator(context.arguments());
  if (!who && !redrive->dry_run) return context.fail(who.failure());
  if (!is_allowed(settings, redrive->to)) {
    const std::string why = redrive->to + " is not among replay.allow_topics, into which dead " +
                            "letters of others may be published";
    if (!redrive->dry_run) return context.fail(kNotAllowed, why);
    context.note(why);
  }
  Interrupt interrupt;
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const kafka::ClusterSettings where = cluster_settings(settings);
  const auto cluster = kafka::Cluster::open(where);
  if (!cluster) return context.fail(cluster.failure());
  std::unique_ptr<kafka::Producer> producer;
  if (!redrive->dry_run) {
    auto opened = kafka::Producer::open(producer_settings(settings));
    if (!opened) return context.fail(opened.failure());
    producer = std::move(*opened);
    if (auto done = write_down(**connection, *who, *redrive, nullptr); !done)
      return context.fail(done.failure());
  }
  ForeignRedrive run(
      *redrive, where, **cluster, producer.get(), interrupt,
      [&context](std::int64_t seen) { context.progress(std::to_string(seen) + " records"); });
  const auto report = run.run(consumer_of(settings));
  context.progress("");
  if (!report) return context.fail(about_kafka(settings, report.failure()));
  if (!redrive->dry_run) {
    if (auto done = write_down(**connection, *who, *redrive, &*report); !done)
      return context.fail(done.failure());
  }
  return show(context, *redrive, *report);
}

}  // namespace

std::vector<Command> foreign_commands() {
  return {
      {.path = "replay foreign",
       .help = "Publish another system's dead letters again to the topic they came from",
       .options =
           with({{"--topic", "TOPIC", "The dead letters. Needed"},
                 {"--to", "TOPIC", "Where they came from; one of replay.allow_topics. Needed"},
                 {"--limit", "N", "Publish at most so many"},
                 {"--from-start", "", "From the first record on, whatever was done before"}},
                change_options()),
       .footer =
           "Reads the headers of Spring Kafka, Spring Cloud Stream, Connect, Streams, Karafka and "
           "Kafka's\nown; the origin is the first topic, not the last retry. What came from "
           "elsewhere is "
           "skipped and\ncounted. Key, value and headers stay; spool-replay-id is added. Each "
           "record is "
           "published at\nleast once; how far it has come is the offset of the group "
           "spool.redrive.TOPIC.\n"
           "Exit codes: 3 something was skipped, 5 another one of this topic is running, 7 the "
           "topic is "
           "not\nallowed.\n"
           "Examples:\n  spool replay foreign --topic orders.DLT --to orders --dry-run\n"
           "  spool replay foreign --topic orders.DLT --to orders --limit 100 --reason 'stock is "
           "back'",
       .run = redrive},
  };
}

}  // namespace spool::app
