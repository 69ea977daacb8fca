// The log as database workers ask it, over the cluster's own client. Any thread; blocks with a
// deadline.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "engine/delivery/ports.hpp"
#include "engine/kafka/cluster.hpp"

namespace spool::runtime {

class ClusterLog : public delivery::Log {
 public:
  // Where a handler's lanes come from, and who reads them.
  struct Source {
    std::string topic;
    std::string group;
  };
  // The cluster outlives it. `sources` by handler.
  ClusterLog(kafka::Cluster& cluster, std::map<std::string, Source> sources)
      : cluster_(cluster), sources_(std::move(sources)) {}

  base::Result<delivery::LogBounds> bounds(const std::string& topic,
                                           std::int32_t partition) override;
  base::Result<delivery::LaneMark> witnessed(const delivery::LaneId& lane) override;

 private:
  kafka::Cluster& cluster_;
  std::map<std::string, Source> sources_;
};

}  // namespace spool::runtime
