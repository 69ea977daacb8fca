#include "engine/app/topic_manifest.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include <toml++/toml.h>

namespace spool::app {
namespace {

using kafka::TopicSpec;

constexpr std::string_view kDeadLetterSuffix = ".dlt";
constexpr std::int64_t kRetentionMinMs = 14LL * 24 * 3600 * 1000;
constexpr std::int64_t kRetryRetentionMinMs = 7LL * 24 * 3600 * 1000;
constexpr std::int64_t kHeadersBytes = 64L * 1024;
constexpr std::int64_t kPartitionsMax = 10'000;
constexpr std::int64_t kReplicationMax = 100;

// Kafka's configuration is text, whatever type it has in the manifest.
std::optional<std::string> value_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

struct Reading {
  std::string name;
  std::vector<std::string> errors;

  void error(const std::string& topic, const std::string& text) {
    errors.push_back(name + ": " + topic + ": " + text);
  }

  void count(const std::string& topic, const std::string& key, const toml::node& node,
             std::int64_t max, auto& into) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 1 || number->get() > max) {
      error(topic, key + " must be a whole number between 1 and " + std::to_string(max));
      return;
    }
    into = static_cast<std::remove_reference_t<decltype(into)>>(number->get());
  }

  TopicSpec topic(const std::string& topic, const toml::table& table) {
    TopicSpec spec;
    spec.name = topic;
    spec.partitions = 0;
    spec.replication = -1;
    for (const auto& [key, node] : table) {
      const std::string word(key.str());
      if (word == "partitions") {
        count(topic, word, node, kPartitionsMax, spec.partitions);
      } else if (word == "replication") {
        count(topic, word, node, kReplicationMax, spec.replication);
      } else if (auto value = value_text(node)) {
        spec.config[word] = *value;
      } else {
        error(topic, word + " must be text, a number or a flag (a name with dots needs quotes)");
      }
    }
    if (!table.contains("partitions")) error(topic, "partitions is missing");
    return spec;
  }
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::optional<std::int64_t> number(const TopicSpec& spec, const std::string& key) {
  const auto found = spec.config.find(key);
  if (found == spec.config.end()) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [stopped, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

void compare(const TopicSpec& letters, const TopicSpec& source, std::vector<std::string>& into) {
  if (letters.partitions != source.partitions) {
    into.push_back(letters.name + ": partitions must be " + std::to_string(source.partitions) +
                   ", as " + source.name + " has");
  }
  const auto own = number(letters, "max.message.bytes");
  const auto of_source = number(source, "max.message.bytes");
  if (!own || !of_source || *own < *of_source + kHeadersBytes) {
    into.push_back(letters.name + ": max.message.bytes must be at least " +
                   std::to_string(kHeadersBytes) + " above that of " + source.name +
                   ", and both must be given");
  }
}

TopicSpec retry_topic(const TopicSpec& source, const std::string& name) {
  TopicSpec spec = source;
  spec.name = name;
  spec.config["cleanup.policy"] = "delete";
  const std::int64_t retention = number(source, "retention.ms").value_or(kRetryRetentionMinMs);
  if (retention != -1) {
    spec.config["retention.ms"] = std::to_string(std::max(retention, kRetryRetentionMinMs));
  }
  if (const auto bytes = number(source, "max.message.bytes")) {
    spec.config["max.message.bytes"] = std::to_string(*bytes + kHeadersBytes);
  }
  return spec;
}

}  // namespace

base::Result<std::vector<TopicSpec>> read_manifest(std::string_view toml_text,
                                                   const std::string& name) {
  toml::table root;
  try {
    root = toml::parse(toml_text, name);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return base::Failure(base::FailureKind::invalid, name + ":" + std::to_string(at.line) + ":" +
                                                         std::to_string(at.column) + ": " +
                                                         std::string(error.description()));
  }
  Reading reading{name, {}};
  std::vector<TopicSpec> specs;
  for (const auto& [key, node] : root) {
    const std::string topic(key.str());
    if (const toml::table* table = node.as_table()) {
      specs.push_back(reading.topic(topic, *table));
    } else {
      reading.error(topic, "must be a table, such as [\"spool.progress-events\"]");
    }
  }
  if (specs.empty() && reading.errors.empty()) reading.errors.push_back(name + ": no topic");
  if (reading.errors.empty()) {
    for (const std::string& problem : manifest_problems(specs))
      reading.errors.push_back(name + ": " + problem);
  }
  if (!reading.errors.empty())
    return base::Failure(base::FailureKind::invalid, joined(reading.errors));
  return specs;
}

std::vector<std::string> manifest_problems(const std::vector<TopicSpec>& specs) {
  std::vector<std::string> problems;
  for (const TopicSpec& letters : specs) {
    if (!letters.name.ends_with(kDeadLetterSuffix)) continue;
    const auto retention = number(letters, "retention.ms");
    if (!retention || (*retention != -1 && *retention < kRetentionMinMs))
      problems.push_back(letters.name + ": retention.ms must be at least " +
                         std::to_string(kRetentionMinMs) + " (14 days)");
    const auto policy = letters.config.find("cleanup.policy");
    if (policy == letters.config.end() || policy->second != "delete")
      problems.push_back(letters.name +
                         ": cleanup.policy must be delete: compaction loses dead letters of a key");
    const std::string source_name =
        letters.name.substr(0, letters.name.size() - kDeadLetterSuffix.size());
    const auto source = std::ranges::find(specs, source_name, &TopicSpec::name);
    if (source == specs.end()) {
      problems.push_back(letters.name + ": there is no topic " + source_name);
    } else {
      compare(letters, *source, problems);
    }
  }
  return problems;
}

std::vector<TopicSpec> renamed(std::vector<TopicSpec> specs, const config::KnownHandlers& known,
                               const config::Settings& settings) {
  std::map<std::string, std::string> names;
  for (const config::KnownHandler& handler : known) {
    const config::HandlerSettings& own = settings.handlers.at(handler.name);
    names[handler.topic] = own.topic;
    names[handler.topic + std::string(kDeadLetterSuffix)] = own.dlt_topic;
  }
  names[config::Settings().kafka.events_topic] = settings.kafka.events_topic;
  for (TopicSpec& spec : specs) {
    if (const auto found = names.find(spec.name); found != names.end()) spec.name = found->second;
  }
  // Domain events that nobody is told need no topic.
  std::erase_if(specs, [](const TopicSpec& spec) { return spec.name.empty(); });
  return specs;
}

base::Result<std::vector<TopicSpec>> with_retries(const std::vector<TopicSpec>& specs,
                                                  const RetryTopics& retries) {
  std::vector<TopicSpec> all;
  std::vector<std::string> errors;
  for (const TopicSpec& source : specs) {
    all.push_back(source);
    const auto found = retries.find(source.name);
    if (found == retries.end()) continue;
    for (const std::string& name : found->second) {
      if (std::ranges::find(specs, name, &TopicSpec::name) != specs.end()) {
        errors.push_back(name + ": is a retry topic of " + source.name +
                         " and made as that is: leave it out of the manifest");
      }
      all.push_back(retry_topic(source, name));
    }
  }
  if (!errors.empty()) return base::Failure(base::FailureKind::invalid, joined(errors));
  return all;
}

}  // namespace spool::app
