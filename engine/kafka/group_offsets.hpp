// How far a consumer group has come, asked by somebody who is no member of it. Blocks its caller
// until the answer or the deadline; any thread. Failures as of Cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "engine/base/result.hpp"
#include "engine/kafka/cluster.hpp"

namespace spool::kafka {

// The next offsets that the group has committed, of the topic's partitions [0, partitions); those
// for which it has are in the map.
base::Result<std::map<std::int32_t, std::int64_t>> group_offsets(const ClusterSettings& settings,
                                                                 const std::string& group,
                                                                 const std::string& topic,
                                                                 std::int32_t partitions,
                                                                 std::chrono::milliseconds limit);

}  // namespace spool::kafka
