// Questions to the cluster and its administration, each with a deadline, over a client of its own:
// never through a group's consumer. Any thread, several at once; every call blocks its caller until
// the answer or the deadline. Failures: `unavailable` (no answer in time), `not_found`, `invalid`
// (the request is wrong), `refused` (not authorised).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/kafka/topics.hpp"

namespace spool::kafka {

struct ClusterSettings {
  std::string bootstrap_servers;
  std::string client_id;
  Properties properties;
};

// Offsets of a partition: the first that the log still has, and the next to be written (the last
// stable one: open transactions are not counted).
struct Watermarks {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

class Cluster {
 public:
  using Limit = std::chrono::milliseconds;

  static base::Result<std::unique_ptr<Cluster>> open(const ClusterSettings& settings);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  base::Result<std::string> cluster_id(Limit limit) const;
  base::Result<std::int32_t> partition_count(const std::string& topic, Limit limit) const;
  base::Result<Watermarks> watermarks(const std::string& topic, std::int32_t partition,
                                      Limit limit) const;

  // What the group keeps beside its committed offset of this partition; empty: nothing.
  base::Result<std::string> committed_note(const std::string& group, const std::string& topic,
                                           std::int32_t partition, Limit limit) const;

  // The topic as it is, every configuration key with its value in force; empty when it does not
  // exist.
  base::Result<std::optional<TopicSpec>> describe_topic(const std::string& topic,
                                                        Limit limit) const;

  // A topic that exists already is fine, whatever it looks like. The first failure stands for all.
  // As with every change, brokers learn of it a moment after the answer.
  base::Status create_topics(std::span<const TopicSpec> specs, Limit limit) const;

  // Sets these keys and keeps every other setting that the topic has of its own.
  base::Status alter_topic_config(const std::string& topic,
                                  const std::map<std::string, std::string>& config,
                                  Limit limit) const;

  base::Status delete_topic(const std::string& topic, Limit limit) const;

  // Moves the low watermark up to `before`.
  base::Status delete_records(const std::string& topic, std::int32_t partition, std::int64_t before,
                              Limit limit) const;

 private:
  struct Impl;
  explicit Cluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::kafka
