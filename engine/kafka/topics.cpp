#include "engine/kafka/topics.hpp"

#include <algorithm>

namespace spool::kafka {
namespace {

void compare(const TopicSpec& wanted, const TopicSpec& found, std::vector<Difference>& into) {
  if (found.partitions != wanted.partitions) {
    into.push_back({found.partitions < wanted.partitions ? DifferenceKind::too_few_partitions
                                                         : DifferenceKind::too_many_partitions,
                    wanted.name, "", std::to_string(wanted.partitions),
                    std::to_string(found.partitions)});
  }
  for (const auto& [key, value] : wanted.config) {
    const auto it = found.config.find(key);
    const std::string is = it == found.config.end() ? std::string() : it->second;
    if (is != value) into.push_back({DifferenceKind::config_differs, wanted.name, key, value, is});
  }
}

}  // namespace

const char* to_string(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::create:
      return "create";
    case DifferenceKind::config_differs:
      return "config differs";
    case DifferenceKind::too_few_partitions:
      return "too few partitions";
    case DifferenceKind::too_many_partitions:
      return "too many partitions";
  }
  return "unknown";
}

std::vector<Difference> plan(const std::vector<TopicSpec>& wanted,
                             const std::vector<TopicSpec>& existing) {
  std::vector<Difference> differences;
  for (const TopicSpec& spec : wanted) {
    const auto found = std::ranges::find(existing, spec.name, &TopicSpec::name);
    if (found == existing.end()) {
      differences.push_back(
          {DifferenceKind::create, spec.name, "", std::to_string(spec.partitions), ""});
    } else {
      compare(spec, *found, differences);
    }
  }
  return differences;
}

}  // namespace spool::kafka
