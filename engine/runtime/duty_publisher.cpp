#include "engine/runtime/duty_publisher.hpp"

#include <poll.h>

#include <utility>
#include <vector>

#include "engine/message/event_headers.hpp"
#include "engine/runtime/kafka_log.hpp"

namespace spool::runtime {

using base::Failure;
using base::FailureKind;
using base::Status;

DutyPublisher::DutyPublisher(kafka::ProducerSettings settings, std::chrono::milliseconds limit,
                             int stop_fd, observe::Logger& log)
    : settings_(std::move(settings)), limit_(limit), stop_fd_(stop_fd), log_(log) {
  settings_.delivery_timeout = limit_;
}

Status DutyPublisher::open(const std::string& topic) {
  if (!producer_) {
    auto opened = kafka::Producer::open(settings_);
    if (!opened) return opened.failure();
    producer_ = std::move(*opened);
  }
  if (prepared_.insert(topic).second) producer_->prepare(topic);
  return {};
}

Status DutyPublisher::publish(const std::string& topic, const std::string& source,
                              base::EpochMicros time,
                              std::span<const handler::PublishedEvent> events) {
  if (events.empty()) return {};
  if (auto opened = open(topic); !opened) return opened;
  in_flight_.clear();  // what an earlier call gave up is of no interest any more
  failed_.reset();
  const auto deadline = Clock::now() + limit_;
  const std::string written = base::format_rfc3339(time);
  Status done;
  for (const handler::PublishedEvent& event : events) {
    done = send(topic, source, written, event, deadline);
    if (!done || failed_) break;
  }
  while (done && !failed_ && !in_flight_.empty()) done = wait(deadline);
  for (const kafka::LogLine& line : producer_->take_logs())
    log_kafka_line(log_, "duty-producer", line);
  if (failed_) done = *failed_;
  return done ? done : Status(Failure(done.failure().kind, topic + ": " + done.failure().text));
}

Status DutyPublisher::send(const std::string& topic, const std::string& source,
                           const std::string& time, const handler::PublishedEvent& event,
                           Clock::time_point deadline) {
  const message::HeaderList headers = message::event_headers({event.id, source, event.type, time});
  std::vector<message::Header> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  kafka::OutboundRecord record;
  record.topic = topic;
  record.key = event.key;
  record.value = event.data;
  record.headers = views;
  record.tag = next_tag_++;
  Status taken = producer_->publish(record);
  while (!taken && taken.failure().kind == FailureKind::unavailable) {  // the queue is full
    if (auto waited = wait(deadline); !waited) return waited;
    taken = producer_->publish(record);
  }
  if (taken) in_flight_.insert(record.tag);
  return taken;
}

Status DutyPublisher::wait(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return Failure(FailureKind::unavailable, "not acknowledged in time");
  pollfd readable[] = {{producer_->wake_fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  ::poll(readable, 2, static_cast<int>(left));
  if (readable[1].revents != 0) return Failure(FailureKind::stopped, "the worker stops");
  producer_->drain_wake();
  for (auto reports = producer_->poll(); !reports.empty(); reports = producer_->poll()) {
    for (const kafka::Delivery& report : reports) {
      if (in_flight_.erase(report.tag) == 0 || report.status || failed_) continue;
      failed_ = report.status.failure();
    }
  }
  return {};
}

}  // namespace spool::runtime
