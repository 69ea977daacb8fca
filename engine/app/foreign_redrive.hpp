// Dead letters that other systems left in a topic of theirs go back to where they came from. Reads
// the topic as a member of a group, which keeps how far it has come: the offset behind everything
// that was acknowledged. So a record is published at least once, and two redrives of one topic
// cannot run at the same time. Goes up to the end that the topic has at the beginning. Owned and
// used by one thread; expected failures are values.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/app/interrupt.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/kafka/consumer.hpp"
#include "engine/kafka/producer.hpp"

namespace spool::app {

struct RedriveSettings {
  std::string topic;  // the dead letters
  std::string to;     // only what came from there goes back there
  std::string group;
  std::string replay_id;  // header spool-replay-id of what is published
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();  // of what is published
  bool from_start = false;                     // whatever the group has committed
  bool dry_run = false;                        // nothing is published, nothing committed
  std::chrono::milliseconds patience{30'000};  // for the acknowledgement of one record
};

// What became of records of one origin: published, other_topic, no_origin.
struct RedriveKind {
  std::string origin;  // empty: none
  std::string exception;
  std::string verdict;
  // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
  friend auto operator<=>(const RedriveKind&, const RedriveKind&) = default;
};

struct RedriveReport {
  std::map<RedriveKind, std::int64_t> counts;
  std::int64_t published = 0;
  std::int64_t skipped = 0;
  bool interrupted = false;
};

class ForeignRedrive {
 public:
  // The parts outlive this. `producer` is null for a dry run. `progress` hears how many records
  // have been seen.
  ForeignRedrive(RedriveSettings settings, const kafka::ClusterSettings& cluster_settings,
                 kafka::Cluster& cluster, kafka::Producer* producer, Interrupt& interrupt,
                 std::function<void(std::int64_t)> progress);

  // Once. `conflict` if another redrive of the topic is running; `refused` if a record can never be
  // published: it and what is behind it in its partition stay where they are.
  base::Result<RedriveReport> run(const kafka::ConsumerSettings& consumer_settings);

 private:
  // One partition of the topic.
  struct Source {
    std::int64_t next = 0;             // the first record that was not looked at
    std::int64_t end = 0;              // where it ended at the beginning
    std::set<std::int64_t> in_flight;  // offsets of what is not acknowledged
    std::int64_t committed = -1;
    std::int64_t safe() const { return in_flight.empty() ? next : *in_flight.begin(); }
    bool done() const { return next >= end; }
  };

  base::Status look_at_topic();
  base::Status take_events();
  base::Status assign(const std::vector<std::int32_t>& partitions);
  base::Status read(std::int32_t partition, Source& source);
  base::Status handle(std::int32_t partition, Source& source, const message::Record& record);
  base::Status publish(std::int32_t partition, const message::Record& record,
                       std::optional<std::int32_t> origin_partition);
  base::Status take_reports();
  void count(const std::string& origin, const std::string& exception, const char* verdict);
  void commit();
  base::Status work();
  base::Status settle();
  bool finished() const;
  bool full() const { return report_.published >= settings_.limit; }

  RedriveSettings settings_;
  const kafka::ClusterSettings& cluster_settings_;
  kafka::Cluster& cluster_;
  kafka::Producer* producer_;
  Interrupt& interrupt_;
  std::function<void(std::int64_t)> progress_;
  std::unique_ptr<kafka::Consumer> consumer_;
  std::map<std::int32_t, Source> sources_;
  std::int32_t partitions_to_ = 0;  // of the topic to which they go
  std::map<std::uint64_t, std::pair<std::int32_t, std::int64_t>> in_flight_;  // by tag
  std::uint64_t tag_ = 0;
  bool assigned_ = false;
  bool committing_ = false;                   // a commit is not answered yet
  std::optional<base::Failure> uncommitted_;  // why the last one failed
  RedriveReport report_;
};

}  // namespace spool::app
