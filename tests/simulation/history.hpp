// What happened to the events of one lane, deed by deed, and whether it was right: attempts are
// made once each, in time and with the outcome that the event's plan gives them; lives begin only
// where somebody asked; effects of a key come in the order of the log. Knows nothing of counters
// and tables; those are compared with it by Checkers. Throws Violation.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "tests/simulation/call_checks.hpp"
#include "tests/simulation/sim_tables.hpp"

namespace spool::simulation {

// What people asked for, whatever became of it.
struct Asked {
  std::set<std::pair<std::string, Letter>> replays;  // by handler
  std::set<std::string> hastened;                    // handlers
  std::set<std::string> cancelled;
};

class History {
 public:
  History(delivery::LaneId lane, const SimBroker& broker, const Swarm& swarm, const Asked& asked,
          const CallChecks& calls)
      : lane_(std::move(lane)), broker_(broker), swarm_(swarm), asked_(asked), calls_(calls) {}

  // Deeds that are new since the last time.
  void take(const LaneTables& tables);
  // The database went back: begins again.
  void begin_again(const LaneTables& tables);

  bool applied(int serial) const { return applied_.contains(serial); }
  // Cancelled, swallowed, or with nothing left to do.
  bool ended_without(int serial) const { return ended_without_.contains(serial); }
  bool found_double(int serial) const { return doubles_.contains(serial); }
  bool died_again(int serial) const { return died_again_.contains(serial); }
  bool died(const Letter& letter) const { return died_.contains(letter); }
  // Whether any record of this event has come to an end, one way or the other, or is open.
  bool known(const message::Identity& identity) const { return known_.contains(identity); }

  // Its offset in the lane's first log, and the entry there.
  std::int64_t offset_of(int serial);
  const Entry& entry_of(int serial);
  const Plan& plan_of(int serial) { return broker_.plan(entry_of(serial).event); }
  // What waits for what, as the handler declared it.
  std::string key_of(int serial, const LaneTables& tables);

 private:
  struct Life {
    int made = 0;                    // attempts
    base::EpochMicros earliest = 0;  // of the next
    base::EpochMicros first_failed = 0;
  };
  struct Place {
    std::int64_t number = 0;
    std::string key;
  };

  void note(const Deed& deed, const LaneTables& tables);
  void attempt(const Deed& deed);
  void effect(const Deed& deed, const LaneTables& tables);
  void failure(const Deed& deed);
  // Of the handler that performs.
  bool performs() const { return lane_.handler == kCalls; }
  void call_failure(const Deed& deed, Life& life) const;
  bool call_death(const Deed& deed);
  void death(const Deed& deed, const LaneTables& tables);
  void revival(const Deed& deed);
  void in_turn(const LaneTables& tables, std::size_t first);
  void remember_places(const LaneTables& tables);
  [[noreturn]] void wrong(const Deed& deed, const std::string& what);
  void require(bool holds, const Deed& deed, const std::string& what) {
    if (!holds) wrong(deed, what);
  }

  delivery::LaneId lane_;
  const SimBroker& broker_;
  const Swarm& swarm_;
  const Asked& asked_;
  const CallChecks& calls_;
  std::map<int, std::int64_t> offsets_;  // by serial
  std::size_t indexed_ = 0;

  std::size_t seen_ = 0;
  std::map<std::pair<int, std::int32_t>, Life> lives_;
  std::set<int> applied_, ended_without_, doubles_, died_again_, hastened_;
  std::set<message::Identity> once_, known_;
  std::set<Letter> died_;
  std::map<std::string, std::int64_t> newest_;  // offset, by key
  std::map<int, Place> places_;                 // of open events, before the transaction at hand
};

}  // namespace spool::simulation
