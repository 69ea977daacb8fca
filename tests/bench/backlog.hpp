// A topic of a benchmark's own with its dead-letter topic, deleted at the end, and a publisher for
// it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/kafka/cluster.hpp"
#include "engine/kafka/producer.hpp"
#include "tests/support/generator.hpp"

namespace spool::bench {

inline constexpr std::int32_t kPartitions = 8;

class Backlog {
 public:
  Backlog();
  ~Backlog();
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  const std::string& bootstrap() const { return bootstrap_; }
  const std::string& topic() const { return topic_; }
  std::int64_t end_offset(std::int32_t partition) const;
  std::int64_t end_offsets() const;  // of all partitions together

 private:
  std::string bootstrap_;
  std::string topic_;
  std::unique_ptr<kafka::Cluster> cluster_;
};

class Publisher {
 public:
  Publisher(const Backlog& backlog, std::chrono::milliseconds linger);

  // Waits while the queue is full.
  void publish(const test::GeneratedRecord& record);
  // Takes acknowledgements until then; a moment that has passed: those that are there.
  void serve_until(std::chrono::steady_clock::time_point until);
  // Returns when everything is acknowledged.
  void finish();

 private:
  void serve();

  std::string topic_;
  std::unique_ptr<kafka::Producer> producer_;
  std::size_t outstanding_ = 0;
};

}  // namespace spool::bench
