#include "tests/bench/publisher.hpp"

#include <poll.h>

#include <utility>
#include <vector>

#include "tests/support/need.hpp"

namespace spool::bench {
namespace {

void wait_readable(int fd, std::chrono::nanoseconds limit) {
  pollfd waiting{fd, POLLIN, 0};
  timespec time{};
  time.tv_sec = limit.count() / 1'000'000'000;
  time.tv_nsec = limit.count() % 1'000'000'000;
  ::ppoll(&waiting, 1, &time, nullptr);
}

}  // namespace

Publisher::Publisher(const std::string& bootstrap, std::string topic,
                     std::chrono::milliseconds linger)
    : topic_(std::move(topic)) {
  kafka::ProducerSettings settings;
  settings.bootstrap_servers = bootstrap;
  settings.linger = linger;
  producer_ = test::need(kafka::Producer::open(settings), "producer");
  producer_->prepare(topic_);
}

void Publisher::publish(const test::GeneratedRecord& record) {
  std::vector<message::Header> headers;
  for (const auto& [name, value] : record.headers)
    headers.push_back({name, std::string_view(value)});
  kafka::OutboundRecord out{topic_, std::string_view(record.key), {}, headers, record.partition, 0};
  if (record.value) out.value = std::string_view(*record.value);
  for (auto accepted = producer_->publish(out); !accepted; accepted = producer_->publish(out)) {
    if (accepted.failure().kind != base::FailureKind::unavailable) test::need(accepted, "publish");
    wait_readable(producer_->wake_fd(), std::chrono::seconds(1));
    serve();
  }
  ++outstanding_;
}

void Publisher::serve() {
  producer_->drain_wake();
  for (auto reports = producer_->poll(); !reports.empty(); reports = producer_->poll()) {
    for (const kafka::Delivery& report : reports) test::need(report.status, "publish");
    outstanding_ -= reports.size();
  }
}

void Publisher::serve_until(std::chrono::steady_clock::time_point until) {
  serve();
  for (auto now = std::chrono::steady_clock::now(); now < until;
       now = std::chrono::steady_clock::now()) {
    wait_readable(producer_->wake_fd(), until - now);
    serve();
  }
}

void Publisher::finish() {
  while (outstanding_ > 0) {
    wait_readable(producer_->wake_fd(), std::chrono::seconds(1));
    serve();
  }
}

}  // namespace spool::bench
