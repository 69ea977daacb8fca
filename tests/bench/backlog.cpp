#include "tests/bench/backlog.hpp"

#include <poll.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "engine/base/uuid.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "tests/support/need.hpp"

namespace spool::bench {
namespace {

constexpr std::chrono::seconds kLimit{30};
constexpr int kLookEveryMs = 20;

}  // namespace

Backlog::Backlog() : bootstrap_(test::environment("SPOOL__KAFKA__BOOTSTRAP_SERVERS")) {
  topics_ = {"bench." + base::to_string(base::random_uuid()).substr(0, 13)};
  topics_.push_back(topic() + ".dlt");
  for (std::string& retries : delivery::retry_topics(topic(), {}))
    topics_.push_back(std::move(retries));
  kafka::ClusterSettings settings;
  settings.bootstrap_servers = bootstrap_;
  cluster_ = test::need(kafka::Cluster::open(settings), "cluster");
  std::vector<kafka::TopicSpec> specs;
  for (const std::string& name : topics_) specs.push_back({name, kPartitions, 1, {}});
  test::need(cluster_->create_topics(specs, kLimit), "create topics");
  wait_until_led();
}

Backlog::~Backlog() {
  for (const std::string& name : topics_) static_cast<void>(cluster_->delete_topic(name, kLimit));
}

// The broker has said yes; now it begins to lead the partitions.
void Backlog::wait_until_led() const {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  for (const std::string& name : topics_) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      while (!cluster_->watermarks(name, p, kLimit)) {
        if (std::chrono::steady_clock::now() > deadline)
          throw std::runtime_error("topics that nobody leads");
        ::poll(nullptr, 0, kLookEveryMs);
      }
    }
  }
}

std::int64_t Backlog::end_offset(std::int32_t partition) const {
  return test::need(cluster_->watermarks(topic(), partition, kLimit), "watermarks").high;
}

std::int64_t Backlog::end_offsets() const {
  std::int64_t sum = 0;
  for (std::int32_t p = 0; p < kPartitions; ++p) sum += end_offset(p);
  return sum;
}

}  // namespace spool::bench
