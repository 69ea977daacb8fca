#include "tests/bench/backlog.hpp"

#include <poll.h>

#include <vector>

#include "engine/base/uuid.hpp"
#include "tests/bench/arguments.hpp"
#include "tests/bench/need.hpp"

namespace spool::bench {
namespace {

constexpr std::chrono::seconds kLimit{30};

void wait_readable(int fd, std::chrono::nanoseconds limit) {
  pollfd waiting{fd, POLLIN, 0};
  timespec time{};
  time.tv_sec = limit.count() / 1'000'000'000;
  time.tv_nsec = limit.count() % 1'000'000'000;
  ::ppoll(&waiting, 1, &time, nullptr);
}

}  // namespace

Backlog::Backlog() : bootstrap_(from_environment("SPOOL__KAFKA__BOOTSTRAP_SERVERS")) {
  topic_ = "bench." + base::to_string(base::random_uuid()).substr(0, 13);
  kafka::ClusterSettings settings;
  settings.bootstrap_servers = bootstrap_;
  cluster_ = need(kafka::Cluster::open(settings), "cluster");
  const std::vector<kafka::TopicSpec> topics = {{topic_, kPartitions, 1, {}},
                                                {topic_ + ".dlt", kPartitions, 1, {}}};
  need(cluster_->create_topics(topics, kLimit), "create topics");
}

Backlog::~Backlog() {
  static_cast<void>(cluster_->delete_topic(topic_, kLimit));
  static_cast<void>(cluster_->delete_topic(topic_ + ".dlt", kLimit));
}

std::int64_t Backlog::end_offset(std::int32_t partition) const {
  return need(cluster_->watermarks(topic_, partition, kLimit), "watermarks").high;
}

std::int64_t Backlog::end_offsets() const {
  std::int64_t sum = 0;
  for (std::int32_t p = 0; p < kPartitions; ++p) sum += end_offset(p);
  return sum;
}

Publisher::Publisher(const Backlog& backlog, std::chrono::milliseconds linger)
    : topic_(backlog.topic()) {
  kafka::ProducerSettings settings;
  settings.bootstrap_servers = backlog.bootstrap();
  settings.linger = linger;
  producer_ = need(kafka::Producer::open(settings), "producer");
  producer_->prepare(topic_);
}

void Publisher::publish(const test::GeneratedRecord& record) {
  std::vector<message::Header> headers;
  for (const auto& [name, value] : record.headers)
    headers.push_back({name, std::string_view(value)});
  kafka::OutboundRecord out{topic_, std::string_view(record.key), {}, headers, record.partition, 0};
  if (record.value) out.value = std::string_view(*record.value);
  for (auto accepted = producer_->publish(out); !accepted; accepted = producer_->publish(out)) {
    if (accepted.failure().kind != base::FailureKind::unavailable) need(accepted, "publish");
    wait_readable(producer_->wake_fd(), std::chrono::seconds(1));
    serve();
  }
  ++outstanding_;
}

void Publisher::serve() {
  producer_->drain_wake();
  for (auto reports = producer_->poll(); !reports.empty(); reports = producer_->poll()) {
    for (const kafka::Delivery& report : reports) need(report.status, "publish");
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
