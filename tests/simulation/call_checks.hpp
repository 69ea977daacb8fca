// What must hold of the calls that the handler `calls` makes: what really left a process and what
// the service did, against what the database says of it. Knows the service's effects, which no
// crash and no restore takes back. Throws Violation.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/jobs.hpp"
#include "tests/simulation/sim_database.hpp"

namespace spool::simulation {

// A call, as whoever marked it knows it.
struct CallFacts {
  delivery::LaneId lane;
  message::Identity event;
  int serial = 0;
  int plan = 0;
  std::int32_t life = 0;
  std::int32_t attempt = 1;
  std::string key;  // what waits for what
  base::EpochMicros marked_at = 0;
  base::EpochMicros begin_by = 0;
  int restores = 0;      // that the database had seen when it was marked
  bool ordered = false;  // its effect comes in the order of the log
};

class CallChecks {
 public:
  CallChecks(SimDatabase& database, const SimBroker& broker)
      : database_(database), broker_(broker) {}

  // It leaves its process, to have its effect or to ask about one.
  void begins(const CallFacts& call, bool asks);
  void effect(const CallFacts& call);
  int restores() const { return restores_; }
  bool has_effect(const message::Identity& event) const { return effects_.contains(event); }

  // What the database says of an event.
  void done(const Deed& deed) const;
  void without_effect(const Deed& deed) const;
  // A transaction has settled these ends: what its rows were before.
  void settled(const delivery::LaneId& lane, const HeadsBefore& before,
               const Settling& settling) const;

  // The database goes back to an earlier state, whatever was durable since.
  void before_restore();
  void after_restore();
  void check_end(const delivery::LaneId& lane) const;

 private:
  const OpenKept* open_row(const CallFacts& call) const;

  SimDatabase& database_;
  const SimBroker& broker_;
  std::map<message::Identity, CallFacts> effects_;
  std::map<std::pair<delivery::LaneId, std::string>, std::int64_t> newest_;  // offsets, by key
  std::set<message::Identity> begun_;
  // Begun before a restore, perhaps to no trace in the database: later events may swallow it, and
  // another life may end otherwise.
  std::set<message::Identity> forgotten_;
  // Swallowed before the restore, by an event which the log still has: by serial, their eaters.
  std::map<message::Identity, message::Identity> swallowed_, swallowed_before_;
  int restores_ = 0;
  base::EpochMicros restored_at_ = 0;  // the last of them
};

}  // namespace spool::simulation
