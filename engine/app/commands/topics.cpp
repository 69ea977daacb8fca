// The topics of the manifest against the cluster: what differs, and how to make it right.
#include <chrono>
#include <map>
#include <memory>

#include "engine/app/build_info.hpp"
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/read_file.hpp"
#include "engine/app/topic_manifest.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "engine/kafka/cluster.hpp"

namespace spool::app {
namespace {

using kafka::Difference;
using kafka::DifferenceKind;
using kafka::TopicSpec;

constexpr std::chrono::seconds kLimit{15};

base::Result<RetryTopics> retry_topics(const config::Settings& settings) {
  RetryTopics retries;
  for (const auto& [name, handler] : settings.handlers) {
    const auto policy = retry_policy(handler.retry);
    if (!policy) return policy.failure();
    retries[handler.topic] = delivery::retry_topics(handler.topic, *policy);
  }
  return retries;
}

base::Result<std::vector<TopicSpec>> wanted_topics(CommandContext& context,
                                                   const config::Settings& settings) {
  std::string text = embedded_topic_manifest();
  std::string name = "schemas/topics.toml";
  if (const auto file = context.arguments().get("manifest")) {
    auto read = read_file(*file);
    if (!read) return read.failure();
    text = std::move(*read);
    name = *file;
  }
  auto specs = read_manifest(text, name);
  if (!specs) return specs;
  const auto retries = retry_topics(settings);
  if (!retries) return retries.failure();
  return with_retries(renamed(std::move(*specs), context.program().known, settings), *retries);
}

// What there is to compare, and with whom.
struct Compared {
  std::unique_ptr<kafka::Cluster> cluster;
  std::vector<TopicSpec> wanted;
  std::vector<Difference> differences;
};

base::Result<Compared> compare(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  Compared compared;
  auto wanted = wanted_topics(context, loaded->settings);
  if (!wanted) return wanted.failure();
  compared.wanted = std::move(*wanted);
  auto cluster = kafka::Cluster::open(cluster_settings(loaded->settings));
  if (!cluster) return cluster.failure();
  compared.cluster = std::move(*cluster);
  std::vector<TopicSpec> existing;
  for (const TopicSpec& spec : compared.wanted) {
    auto found = compared.cluster->describe_topic(spec.name, kLimit);
    if (!found) return about_kafka(loaded->settings, found.failure());
    if (*found) existing.push_back(std::move(**found));
  }
  compared.differences = kafka::plan(compared.wanted, existing);
  return compared;
}

bool can_be_applied(const Difference& difference) {
  return difference.kind == DifferenceKind::create ||
         difference.kind == DifferenceKind::config_differs;
}

void show(CommandContext& context, const std::vector<Difference>& differences,
          std::string_view when_empty) {
  std::vector<std::vector<Cell>> rows;
  for (const Difference& one : differences) {
    const bool of_partitions = one.kind != DifferenceKind::config_differs;
    rows.push_back({one.topic, std::string(kafka::to_string(one.kind)),
                    of_partitions ? std::string("partitions") : one.key,
                    one.found.empty() ? Cell() : Cell(one.found), one.wanted});
  }
  context.output().list({"topic", "difference", "what", "found", "wanted"}, rows, when_empty);
}

int plan(CommandContext& context) {
  const auto compared = compare(context);
  if (!compared) return context.fail(compared.failure());
  show(context, compared->differences, "the topics are as they should be");
  return context.arguments().has("exit-code") && !compared->differences.empty() ? kDifferent : kOk;
}

int check(CommandContext& context) {
  const auto compared = compare(context);
  if (!compared) return context.fail(compared.failure());
  show(context, compared->differences, "the topics are as they should be");
  if (compared->differences.empty()) return kOk;
  return context.arguments().has("exit-code") ? kDifferent : kFailed;
}

base::Status carry_out(const Compared& compared) {
  std::vector<TopicSpec> missing;
  std::map<std::string, std::map<std::string, std::string>> changes;
  for (const Difference& one : compared.differences) {
    if (one.kind == DifferenceKind::config_differs) changes[one.topic][one.key] = one.wanted;
    if (one.kind != DifferenceKind::create) continue;
    for (const TopicSpec& spec : compared.wanted) {
      if (spec.name == one.topic) missing.push_back(spec);
    }
  }
  if (auto created = compared.cluster->create_topics(missing, kLimit); !created) return created;
  for (const auto& [topic, config] : changes) {
    if (auto altered = compared.cluster->alter_topic_config(topic, config, kLimit); !altered)
      return altered;
  }
  return {};
}

int apply(CommandContext& context) {
  const auto compared = compare(context);
  if (!compared) return context.fail(compared.failure());
  if (const auto done = carry_out(*compared); !done) return context.fail(done.failure());
  std::vector<Difference> applied;
  std::vector<Difference> left;
  for (const Difference& one : compared->differences)
    (can_be_applied(one) ? applied : left).push_back(one);
  show(context, applied, left.empty() ? "the topics are as they should be" : "nothing was changed");
  for (const Difference& one : left) {
    context.fail(kConflict, one.topic + " has " + one.found + " partitions, not " + one.wanted +
                                ": that cannot be changed here, keys would lose their order");
  }
  if (!left.empty()) return kConflict;
  return context.arguments().has("exit-code") && !applied.empty() ? kDifferent : kOk;
}

const Option kManifest{"--manifest", "FILE", "Another manifest than the program's own"};

}  // namespace

std::vector<Command> topics_commands() {
  return {
      {.path = "topics",
       .help = "The topics as they should be, against the cluster",
       .footer =
           "The manifest is schemas/topics.toml, carried in the program. Topics that it does "
           "not name\n"
           "are left alone. The retry topics of a handler's topic follow from its retry.delays "
           "and are\n"
           "made as that topic is."},
      {.path = "topics plan",
       .help = "What `apply` would do",
       .options = {kManifest, {"--exit-code", "", "Exit with 8 if something differs"}},
       .footer = "Examples:\n  spool topics plan\n  spool topics plan --exit-code -o json",
       .run = plan},
      {.path = "topics apply",
       .help = "Create what is missing, configure what differs",
       .options = {kManifest, {"--exit-code", "", "Exit with 8 if something was changed"}},
       .footer =
           "Never removes a topic and never changes a number of partitions: exit code 5 then.\n"
           "Examples:\n  spool topics apply\n  spool topics apply --manifest topics.toml",
       .run = apply},
      {.path = "topics check",
       .help = "Whether the topics are as they should be",
       .options = {kManifest, {"--exit-code", "", "Exit with 8, not 1, if something differs"}},
       .footer = "Exit codes: 0 they are, 1 they are not (8 with --exit-code), 6 no answer.\n"
                 "Example:\n  spool topics check",
       .run = check},
  };
}

}  // namespace spool::app
