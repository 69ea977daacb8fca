// Kafka, as far as delivery can tell: partitions with gaps, retention and recreation, the groups'
// committed offsets, and the dead-letter log. It also keeps what was really produced, for the
// checkers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "engine/message/identity.hpp"
#include "engine/message/record_batch.hpp"
#include "tests/simulation/sim_random.hpp"
#include "tests/simulation/swarm.hpp"

namespace spool::simulation {

// Why an event can never be applied.
enum class Flaw { none, no_id, unknown_type, rejected, refused, throws };

// One offset of a log.
struct Entry {
  bool gap = false;  // a control record: no consumer sees it
  int number = 0;    // of the event; copies of an event share it
  int key = 0;
  int version = 0;
  Flaw flaw = Flaw::none;
  std::int64_t timestamp_ms = 0;
  std::int64_t copy_of = -1;  // offset of the first copy
  message::Identity identity;
};

struct PartitionLog {
  std::int64_t low = 0;
  std::vector<Entry> entries;  // by offset
  std::int64_t high() const { return static_cast<std::int64_t>(entries.size()); }
};

struct Fetched {
  message::RecordBatch records;
  std::int64_t next = 0;
  bool at_end = false;
};

class SimBroker {
 public:
  SimBroker(Random& random, const Swarm& swarm);

  static std::string topic(const std::string& handler) { return "events." + handler; }
  static std::string handler(const std::string& topic) { return topic.substr(7); }

  // False once the partition is full.
  bool produce(const delivery::LaneId& lane);
  void retain(const delivery::LaneId& lane);
  // The topic is deleted and made again, with other records.
  void recreate(const delivery::LaneId& lane);

  // The log as it is now, and as it was when the lane began.
  const PartitionLog& log(const delivery::LaneId& lane) const { return logs_.at(lane).back(); }
  const PartitionLog& origin(const delivery::LaneId& lane) const { return logs_.at(lane).front(); }
  // One more each time that the partition is made again.
  std::size_t incarnation(const delivery::LaneId& lane) const { return logs_.at(lane).size(); }

  // Records from `offset` on, at most `most` of them; empty if the log does not have the offset.
  std::optional<Fetched> fetch(const delivery::LaneId& lane, std::int64_t offset, int most) const;

  void announce(const message::Identity& identity) { announced_.insert(identity); }
  const std::set<message::Identity>& announced() const { return announced_; }

  void commit_group(const delivery::LaneId& lane, std::int64_t offset) { group_[lane] = offset; }
  std::int64_t group_offset(const delivery::LaneId& lane) const;

  const std::vector<delivery::LaneId>& lanes() const { return lanes_; }

 private:
  Entry make_event(const delivery::LaneId& lane, const PartitionLog& log);

  Random& random_;
  const Swarm& swarm_;
  std::vector<delivery::LaneId> lanes_;
  std::map<delivery::LaneId, std::vector<PartitionLog>> logs_;
  std::map<delivery::LaneId, std::int64_t> group_;
  std::set<message::Identity> announced_;
  int events_ = 0;
  std::int64_t clock_ms_ = 1'000'000;
};

}  // namespace spool::simulation
