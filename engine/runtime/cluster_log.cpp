#include "engine/runtime/cluster_log.hpp"

#include <chrono>
#include <map>
#include <utility>

#include "engine/runtime/group_note.hpp"

namespace spool::runtime {
namespace {

constexpr std::chrono::milliseconds kMetadataTimeout{5'000};

bool compacts(const std::map<std::string, std::string>& config) {
  const auto policy = config.find("cleanup.policy");
  return policy != config.end() && policy->second.find("compact") != std::string::npos;
}

}  // namespace

base::Result<delivery::LogBounds> ClusterLog::bounds(const std::string& topic,
                                                     std::int32_t partition) {
  auto marks = cluster_.watermarks(topic, partition, kMetadataTimeout);
  if (!marks) return marks.failure();
  auto partitions = cluster_.partition_count(topic, kMetadataTimeout);
  if (!partitions) return partitions.failure();
  auto cluster = cluster_.cluster_id(kMetadataTimeout);
  if (!cluster) return cluster.failure();
  // Without the right to ask, a topic counts as one that keeps every record until retention takes
  // it.
  const auto described = cluster_.describe_topic(topic, kMetadataTimeout);
  const bool known = described && described->has_value();
  const bool compacted = known && compacts((*described)->config);
  return delivery::LogBounds{marks->low, marks->high, *partitions, compacted, std::move(*cluster)};
}

// The note that Intake commits with its offsets.
base::Result<delivery::LaneMark> ClusterLog::witnessed(const delivery::LaneId& lane) {
  const Source& source = sources_.at(lane.handler);
  auto note = cluster_.committed_note(source.group, source.topic, lane.partition, kMetadataTimeout);
  if (!note) return note.failure();
  return mark_of_note(*note);
}

}  // namespace spool::runtime
