#include "engine/runtime/cluster_log.hpp"

#include <charconv>
#include <chrono>
#include <map>
#include <utility>

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

// The note that Intake commits with its offsets. What is no number is somebody else's.
base::Result<std::int64_t> ClusterLog::witnessed(const delivery::LaneId& lane) {
  const Source& source = sources_.at(lane.handler);
  auto note = cluster_.committed_note(source.group, source.topic, lane.partition, kMetadataTimeout);
  if (!note) return note.failure();
  std::int64_t seq = 0;
  const char* end = note->data() + note->size();
  const auto [read, error] = std::from_chars(note->data(), end, seq);
  return error == std::errc{} && read == end ? seq : 0;
}

}  // namespace spool::runtime
