// For the tests of this folder that need a broker: topics of their own, a way to fill them, and a
// group member that collects what it is given. Waits on descriptors with a deadline, never for
// time.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/uuid.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/kafka/consumer.hpp"
#include "engine/kafka/producer.hpp"

namespace spool::kafka::testing_support {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

inline constexpr seconds kLimit{30};

inline std::string bootstrap() {
  const char* servers = std::getenv("SPOOL__KAFKA__BOOTSTRAP_SERVERS");
  SPOOL_ASSERT(servers != nullptr, "SPOOL__KAFKA__BOOTSTRAP_SERVERS names no broker");
  return servers;
}

inline std::string unique(const std::string& what) {
  return "test." + what + "." + base::to_string(base::random_uuid());
}

inline std::unique_ptr<Cluster> open_cluster() {
  auto cluster = Cluster::open({bootstrap(), "test", {}});
  SPOOL_ASSERT(cluster.ok(), "the cluster client opens");
  return std::move(cluster).value();
}

// Brokers learn a moment later what the controller decided: asks again until the answer is yes.
inline bool eventually(const std::function<bool()>& yes) {
  const auto deadline = steady_clock::now() + kLimit;
  while (!yes()) {
    if (steady_clock::now() > deadline) return false;
  }
  return true;
}

// A topic that lives as long as the test. Declare it before the clients that use it.
class TestTopic {
 public:
  explicit TestTopic(std::int32_t partitions, std::map<std::string, std::string> config = {})
      : cluster_(open_cluster()), spec_{unique("topic"), partitions, 1, std::move(config)} {
    create();
  }
  ~TestTopic() { static_cast<void>(cluster_->delete_topic(spec_.name, kLimit)); }

  void create() {
    const base::Status status = cluster_->create_topics({&spec_, 1}, kLimit);
    EXPECT_TRUE(status.ok()) << status.failure().text;
    EXPECT_TRUE(eventually([&] { return cluster_->partition_count(spec_.name, kLimit).ok(); }));
  }
  const std::string& name() const { return spec_.name; }
  Cluster& cluster() { return *cluster_; }

 private:
  std::unique_ptr<Cluster> cluster_;
  TopicSpec spec_;
};

inline std::unique_ptr<Producer> open_producer(Properties properties = {}) {
  ProducerSettings settings;
  settings.bootstrap_servers = bootstrap();
  settings.properties = std::move(properties);
  auto producer = Producer::open(settings);
  SPOOL_ASSERT(producer.ok(), "the producer opens");
  return std::move(producer).value();
}

// Publishes "0", "1", ... to one partition and waits for every acknowledgement.
inline void fill(Producer& producer, const std::string& topic, std::int32_t partition,
                 std::size_t count, std::size_t bytes = 0) {
  std::size_t acknowledged = 0;
  const auto count_acknowledged = [&](const std::vector<Delivery>& deliveries) {
    for (const Delivery& delivery : deliveries) {
      ASSERT_TRUE(delivery.status.ok()) << delivery.status.failure().text;
      ++acknowledged;
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    std::string value = std::to_string(i);
    if (value.size() < bytes) value.resize(bytes, '.');
    OutboundRecord record;
    record.topic = topic;
    record.value = value;
    record.partition = partition;
    ASSERT_TRUE(producer.publish(record).ok());
    if (i % 10'000 == 9'999) count_acknowledged(producer.flush(kLimit));
  }
  count_acknowledged(producer.flush(kLimit));
  ASSERT_EQ(acknowledged, count);
}

struct Seen {
  std::int64_t offset;
  std::int64_t timestamp_ms;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

inline std::optional<std::string> copy(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  return std::string(*text);
}

// A member that starts each partition where `next` says, and collects.
class Member {
 public:
  explicit Member(const ConsumerSettings& settings) {
    auto opened = Consumer::open(settings);
    SPOOL_ASSERT(opened.ok(), "the consumer opens");
    consumer = std::move(opened).value();
  }

  // Everything that is there now.
  void step() {
    consumer->drain_wake();
    for (auto event = consumer->poll(); event.index() != 0; event = consumer->poll()) take(event);
    for (const std::int32_t partition : owned) {
      if (!blocked.contains(partition)) take_partition(partition, 1'000'000);
    }
  }

  void take_partition(std::int32_t partition, std::size_t records_max) {
    for (;;) {
      message::RecordBatch batch;
      const auto polled = consumer->poll_partition(
          partition, batch, std::min<std::size_t>(records_max, 1'000), 64 * 1024 * 1024);
      for (std::size_t i = 0; i < batch.size(); ++i) keep(partition, batch.record(i));
      if (polled.end_offset) ends[partition] = *polled.end_offset;
      if (polled.failure) failures.push_back({partition, *polled.failure});
      records_max -= polled.records;
      if (polled.emptied || records_max == 0) return;
    }
  }

  std::unique_ptr<Consumer> consumer;
  std::set<std::int32_t> owned;
  std::set<std::int32_t> blocked;
  std::map<std::int32_t, std::int64_t> own_next;
  std::map<std::int32_t, std::int64_t>* next = &own_next;
  std::map<std::int32_t, std::vector<Seen>> records;
  std::map<std::int32_t, std::int64_t> ends;
  std::vector<Consumer::PartitionFailed> failures;
  std::vector<Consumer::HandleFailed> handle_failures;
  std::vector<LogLine> logs;
  std::vector<Consumer::OffsetsCommitted> commits;
  int assignments = 0;
  int revocations = 0;
  bool answer_assigned = true;

 private:
  void take(const Consumer::Event& event) {
    if (const auto* assigned = std::get_if<Consumer::Assigned>(&event)) {
      ++assignments;
      if (!answer_assigned) return;
      std::vector<Start> starts;
      for (const std::int32_t p : assigned->partitions) starts.push_back({p, (*next)[p]});
      owned = {assigned->partitions.begin(), assigned->partitions.end()};
      EXPECT_TRUE(consumer->assign(starts).ok());
    } else if (std::holds_alternative<Consumer::Revoked>(event)) {
      ++revocations;
      owned.clear();
      consumer->unassign();
    } else if (const auto* partition = std::get_if<Consumer::PartitionFailed>(&event)) {
      failures.push_back(*partition);
    } else if (const auto* handle = std::get_if<Consumer::HandleFailed>(&event)) {
      handle_failures.push_back(*handle);
    } else if (const auto* log = std::get_if<LogLine>(&event)) {
      logs.push_back(*log);
    } else if (const auto* committed = std::get_if<Consumer::OffsetsCommitted>(&event)) {
      commits.push_back(*committed);
    }
  }

  void keep(std::int32_t partition, const message::Record& record) {
    Seen seen{record.offset, record.timestamp_ms, copy(record.key), copy(record.value), {}};
    for (const auto& header : record.headers) {
      seen.headers.emplace_back(header.name, copy(header.value));
    }
    records[partition].push_back(std::move(seen));
    (*next)[partition] = record.offset + 1;
  }
};

inline ConsumerSettings member_settings(const std::string& topic, const std::string& group) {
  ConsumerSettings settings;
  settings.bootstrap_servers = bootstrap();
  settings.group = group;
  settings.topic = topic;
  settings.client_id = "test";
  settings.session_timeout = seconds(6);
  return settings;
}

// Lets the members work until `done`; false when the deadline passes first.
inline bool run_until(std::initializer_list<Member*> members, const std::function<bool()>& done,
                      milliseconds limit = kLimit) {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    for (Member* member : members) member->step();
    if (done()) return true;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    std::vector<pollfd> waiting;
    for (Member* member : members) waiting.push_back({member->consumer->wake_fd(), POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
  }
}

}  // namespace spool::kafka::testing_support
