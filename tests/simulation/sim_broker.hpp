// Kafka, as far as delivery can tell: partitions with gaps, retention and recreation, retry logs,
// the groups' committed offsets, and the dead-letter log. It also keeps what was really produced,
// for the checkers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "engine/message/record_batch.hpp"
#include "tests/simulation/sim_event.hpp"
#include "tests/simulation/sim_random.hpp"
#include "tests/simulation/swarm.hpp"

namespace spool::simulation {

struct PartitionLog {
  std::int64_t low = 0;
  std::vector<Entry> entries;  // by offset
  std::int64_t high() const { return static_cast<std::int64_t>(entries.size()); }
};

struct RetryLog {
  std::int64_t low = 0;
  std::vector<Kept> records;  // by offset
  std::int64_t high() const { return static_cast<std::int64_t>(records.size()); }
};

struct Fetched {
  message::RecordBatch records;
  std::int64_t next = 0;
  bool at_end = false;
};

// One life of an event.
struct Letter {
  message::Identity identity;
  std::int32_t life = 0;
  friend auto operator<=>(const Letter&, const Letter&) = default;
};

// A record of a dead-letter topic.
struct Announcement {
  delivery::LaneId lane;
  Letter letter;
  Kept record;
};

inline constexpr const char* kEventsTopic = "events";
inline constexpr const char* kCalls = "calls";  // the handler that performs

class SimBroker {
 public:
  SimBroker(Random& random, const Swarm& swarm);

  static std::string topic(const std::string& handler) { return "events." + handler; }
  static std::string handler(const std::string& topic) { return topic.substr(7); }
  static std::string dead_letter_topic(const std::string& handler) {
    return topic(handler) + ".dlt";
  }

  // False once the partition is full. `now` is the database's time.
  bool produce(const delivery::LaneId& lane, base::EpochMicros now);
  // Appends an event of this plan (its number is given to it) or, with `copy_of`, one more record
  // of an event that there is. For scripted worlds.
  const Entry& append(const delivery::LaneId& lane, Plan plan);
  const Entry& append_copy(const delivery::LaneId& lane, std::size_t offset);
  void append_gap(const delivery::LaneId& lane);
  void retain(const delivery::LaneId& lane);
  // The topic is deleted and made again, with other records.
  void recreate(const delivery::LaneId& lane, base::EpochMicros now);

  // The log as it is now, and as it was when the lane began.
  const PartitionLog& log(const delivery::LaneId& lane) const { return logs_.at(lane).back(); }
  const PartitionLog& origin(const delivery::LaneId& lane) const { return logs_.at(lane).front(); }
  // One more each time that the partition is made again.
  std::size_t incarnation(const delivery::LaneId& lane) const { return logs_.at(lane).size(); }
  const Plan& plan(int number) const { return plans_.at(static_cast<std::size_t>(number)); }

  // Records from `offset` on, at most `most` of them; empty if the log does not have the offset.
  std::optional<Fetched> fetch(const delivery::LaneId& lane, std::int64_t offset, int most) const;

  // A record of the outbox arrives: in a retry log or in the dead-letter log.
  void publish(const delivery::LaneId& lane, const delivery::OutboxRow& row);
  const std::map<std::string, RetryLog>& retry_logs(const delivery::LaneId& lane) const {
    return retry_logs_.at(lane);
  }
  void retain_retries(const delivery::LaneId& lane);
  void announce(const Letter& letter) { announced_.insert(letter); }
  const std::set<Letter>& announced() const { return announced_; }
  // The deaths of which other systems were told.
  const std::set<Letter>& told() const { return told_; }
  const std::vector<Announcement>& dead_letters() const { return dead_letters_; }

  // Somebody publishes a record of the dead-letter topic again, headers and all: on the main log or
  // on one of the retry logs.
  void copy_to_main(const Announcement& dead);
  void copy_to_retry(const Announcement& dead);

  // `note`: the lane's last marker.
  void commit_group(const delivery::LaneId& lane, std::int64_t offset,
                    const delivery::LaneMark& note) {
    group_[lane] = offset;
    notes_[lane] = note;
  }
  delivery::LaneMark group_note(const delivery::LaneId& lane) const {
    const auto note = notes_.find(lane);
    return note == notes_.end() ? delivery::LaneMark{} : note->second;
  }
  std::int64_t group_offset(const delivery::LaneId& lane) const;

  const std::vector<delivery::LaneId>& lanes() const { return lanes_; }

 private:
  Entry make_event(const delivery::LaneId& lane, const PartitionLog& log, base::EpochMicros now);
  Entry entry_of(const delivery::LaneId& lane, const PartitionLog& log, const Plan& plan);
  std::optional<Entry> make_copy(const PartitionLog& log, std::size_t offset);
  Plan draw_plan(base::EpochMicros now);
  void draw_nature(Plan& plan, base::EpochMicros now);
  void draw_call(Plan& plan);

  Random& random_;
  Random calls_random_;
  const Swarm& swarm_;
  std::vector<delivery::LaneId> lanes_;
  std::map<delivery::LaneId, std::vector<PartitionLog>> logs_;
  std::map<delivery::LaneId, std::map<std::string, RetryLog>> retry_logs_;
  std::map<delivery::LaneId, std::int64_t> group_;
  std::map<delivery::LaneId, delivery::LaneMark> notes_;
  std::set<Letter> announced_;
  std::set<Letter> told_;
  std::vector<Announcement> dead_letters_;
  std::vector<Plan> plans_{Plan{}};  // by number, from 1
  int serials_ = 0;
  std::int64_t clock_ms_ = 1'000'000;
};

// The ladder of the world and the class that waits for a login.
delivery::RetryPolicy policy_of(const Swarm& swarm);

}  // namespace spool::simulation
