// What the topics should be, what they are, and the difference: a pure comparison for `spool topics
// plan|apply|check`. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spool::kafka {

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 1;
  std::int16_t replication = 1;  // copies; compared with nothing, used on creation only
  std::map<std::string, std::string> config;  // Kafka's names, e.g. retention.ms
  friend bool operator==(const TopicSpec&, const TopicSpec&) = default;
};

enum class DifferenceKind {
  create,               // the topic does not exist
  config_differs,       // can be altered
  too_few_partitions,   // growing moves keys: its own command
  too_many_partitions,  // cannot be undone, nothing can be applied
};

const char* to_string(DifferenceKind kind);

struct Difference {
  DifferenceKind kind;
  std::string topic;
  std::string key;     // the configuration key, else empty
  std::string wanted;  // for people; the number of partitions or the value
  std::string found;   // likewise; "" if there is none
  friend bool operator==(const Difference&, const Difference&) = default;
};

// In the order of `wanted`. Only the configuration keys that a spec names are compared; topics that
// nobody wants are nobody's business.
std::vector<Difference> plan(const std::vector<TopicSpec>& wanted,
                             const std::vector<TopicSpec>& existing);

}  // namespace spool::kafka
