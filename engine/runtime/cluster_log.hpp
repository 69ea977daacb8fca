// The log as database workers ask it, over the cluster's own client. Any thread; blocks with a
// deadline.
#pragma once

#include <string>

#include "engine/delivery/ports.hpp"
#include "engine/kafka/cluster.hpp"

namespace spool::runtime {

class ClusterLog : public delivery::Log {
 public:
  // The cluster outlives it.
  explicit ClusterLog(kafka::Cluster& cluster) : cluster_(cluster) {}

  base::Result<delivery::LogBounds> bounds(const std::string& topic,
                                           std::int32_t partition) override;

 private:
  kafka::Cluster& cluster_;
};

}  // namespace spool::runtime
