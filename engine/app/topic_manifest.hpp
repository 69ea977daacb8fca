// The manifest of topics (schemas/topics.toml) as values: read, checked against what delivery
// needs, renamed as the configuration names the handlers' topics, and completed by their retry
// topics. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/config/keys.hpp"
#include "engine/config/settings.hpp"
#include "engine/kafka/topics.hpp"

namespace spool::app {

// Fails with `invalid`, every error on a line of its own; `name` stands in front of each.
base::Result<std::vector<kafka::TopicSpec>> read_manifest(std::string_view toml,
                                                          const std::string& name);

// What is wrong with a dead-letter topic as a companion of its source; empty: nothing.
std::vector<std::string> manifest_problems(const std::vector<kafka::TopicSpec>& specs);

// With the topic names that the configuration gives to handlers and to domain events; without the
// topic of those if nobody is told.
std::vector<kafka::TopicSpec> renamed(std::vector<kafka::TopicSpec> specs,
                                      const config::KnownHandlers& known,
                                      const config::Settings& settings);

// The retry topics of a topic, by its name.
using RetryTopics = std::map<std::string, std::vector<std::string>>;

// With the retry topics of each topic behind it: made as their source is, but never compacted, kept
// at least 7 days, and with room for the headers of a retry. Fails with `invalid` when one of them
// is in the manifest already: what it looks like follows from its source.
base::Result<std::vector<kafka::TopicSpec>> with_retries(const std::vector<kafka::TopicSpec>& specs,
                                                         const RetryTopics& retries);

}  // namespace spool::app
