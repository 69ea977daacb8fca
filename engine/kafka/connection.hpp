// How a client of ours reaches the cluster, and the parts that consumer, producer and cluster
// share.
#pragma once

#include <map>
#include <string>

namespace spool::kafka {

// librdkafka's own names and values, security included. They win over our tunables; a name that the
// engine must decide itself (enable.auto.commit and the like) is refused.
using Properties = std::map<std::string, std::string>;

// A line of librdkafka's own log; `level` as in syslog: 0-3 error, 4 warning, 5-6 info, 7 debug.
struct LogLine {
  int level = 6;
  std::string text;
};

}  // namespace spool::kafka
