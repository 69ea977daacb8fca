// Publishes records for as long as a benchmark lasts, at whatever pace it is called. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/kafka/producer.hpp"
#include "tests/support/generator.hpp"

namespace spool::bench {

inline constexpr std::int32_t kPartitions = 8;  // of every benchmark's topics

class Publisher {
 public:
  Publisher(const std::string& bootstrap, std::string topic, std::chrono::milliseconds linger);

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
