// A topic of a benchmark's own, with those for its dead letters and its retries; deleted at the
// end. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/kafka/cluster.hpp"
#include "tests/bench/publisher.hpp"

namespace spool::bench {

class Backlog {
 public:
  Backlog();
  ~Backlog();
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  const std::string& bootstrap() const { return bootstrap_; }
  const std::string& topic() const { return topics_.front(); }
  std::int64_t end_offset(std::int32_t partition) const;
  std::int64_t end_offsets() const;  // of all partitions together

 private:
  void wait_until_led() const;

  std::string bootstrap_;
  std::vector<std::string> topics_;  // that of the events first
  std::unique_ptr<kafka::Cluster> cluster_;
};

}  // namespace spool::bench
