// Publishes what a duty asks for, and waits until the broker has it: a duty's transaction commits
// after that. Owned and used by the rota's thread; its producer is opened with the first event, so
// that duties that publish nothing cost none. Failures name the topic.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "engine/base/time.hpp"
#include "engine/handler/duty.hpp"
#include "engine/kafka/producer.hpp"
#include "engine/observe/log.hpp"

namespace spool::runtime {

class DutyPublisher {
 public:
  // Gives up after `limit`, or once `stop_fd` is readable.
  DutyPublisher(kafka::ProducerSettings settings, std::chrono::milliseconds limit, int stop_fd,
                observe::Logger& log);

  // All of them are acknowledged, or it fails: then some may have been published, or may be still.
  base::Status publish(const std::string& topic, const std::string& source, base::EpochMicros time,
                       std::span<const handler::PublishedEvent> events);

 private:
  using Clock = std::chrono::steady_clock;

  base::Status open(const std::string& topic);
  base::Status send(const std::string& topic, const std::string& source, const std::string& time,
                    const handler::PublishedEvent& event, Clock::time_point deadline);
  // Until something arrives. Fails once the moment has come.
  base::Status wait(Clock::time_point deadline);

  kafka::ProducerSettings settings_;
  std::chrono::milliseconds limit_;
  int stop_fd_;
  observe::Logger& log_;
  std::unique_ptr<kafka::Producer> producer_;
  std::set<std::string> prepared_;  // topics
  std::uint64_t next_tag_ = 1;
  std::set<std::uint64_t> in_flight_;  // tags of this call
  std::optional<base::Failure> failed_;
};

}  // namespace spool::runtime
