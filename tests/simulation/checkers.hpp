// What must hold of the database and the dead-letter log, whatever happened. Everything is computed
// again from what was really produced and asked for; nothing is taken from the code under test.
// Throws Violation.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/delivery/lane.hpp"
#include "tests/simulation/call_checks.hpp"
#include "tests/simulation/history.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"
#include "tests/simulation/trace.hpp"

namespace spool::simulation {

class Checkers : public Observer {
 public:
  Checkers(const SimBroker& broker, const Swarm& swarm, const Kills& kills, Trace& trace)
      : broker_(broker), swarm_(swarm), kills_(kills), trace_(trace) {}
  void watch(SimDatabase& database, CallChecks& calls) {
    database_ = &database;
    calls_ = &calls;
  }
  Asked& asked() { return asked_; }

  void committed(const delivery::LaneId& lane) override;
  void taken(const delivery::LaneId& lane, std::int64_t epoch) override;
  void fenced(const delivery::LaneId& lane, const delivery::Claim& shown,
              const delivery::Claim& actual) override;
  void failing_over() override;
  void went_back() override;
  void settled(const delivery::LaneId& lane, const HeadsBefore& before,
               const Settling& settling) override;

  // This life of a record has ended its process.
  void killed(const std::pair<int, std::int32_t>& who) const;

  // After every step of the world.
  void check_announcements();

  // Once everything has come to rest. `says`: why its owner says that a lane takes nothing in.
  using Says = std::function<delivery::PauseReason(const delivery::LaneId&)>;
  void check_end(const Says& says);

  // The log no longer has the lane's position, and the lane must say so.
  bool position_is_lost(const delivery::LaneId& lane) const;
  // The lane holds as much as it may, behind what waits for an operator.
  bool full(const delivery::LaneId& lane) const;
  // What an operator asks of the lane may wait for ever, by what its owner says of it.
  bool may_wait(const CommandRow& command, const delivery::LaneId& lane,
                delivery::PauseReason says) const;

 private:
  History& history(const delivery::LaneId& lane);
  void tell(const delivery::LaneId& lane);
  void check_lane(const delivery::LaneId& lane);
  delivery::Counters count(const delivery::LaneId& lane, const LaneTables& tables,
                           const LaneRow& row);
  void count_one(const delivery::LaneId& lane, const Entry& entry, const LaneTables& tables,
                 const std::map<int, const OpenKept*>& open, delivery::Counters& counters);
  // The offsets that operators gave up, and that the lane left behind.
  std::set<std::int64_t> given_up(const delivery::LaneId& lane) const;
  void check_open(const delivery::LaneId& lane, const LaneTables& tables, const LaneRow& row);
  void check_newest(const delivery::LaneId& lane, const LaneTables& tables, const LaneRow& row);
  void check_ends(const delivery::LaneId& lane, const LaneTables& tables, const LaneRow& row) const;
  void check_kills() const;
  void check_lane_at_end(const delivery::LaneId& lane, delivery::PauseReason says);
  void check_open_at_end(const delivery::LaneId& lane, const LaneTables& tables);
  void check_letters_at_end(const delivery::LaneId& lane, const LaneTables& tables);
  void check_requests_at_end(const delivery::LaneId& lane, const LaneTables& tables);
  void check_commands_at_end(const Says& says);
  bool has_died(const Letter& letter, bool durably) const;

  const SimBroker& broker_;
  const Swarm& swarm_;
  const Kills& kills_;
  Trace& trace_;
  std::map<delivery::LaneId, std::size_t> told_;  // deeds that are in the trace
  SimDatabase* database_ = nullptr;
  CallChecks* calls_ = nullptr;
  bool set_back_ = false;
  Asked asked_;
  std::map<delivery::LaneId, History> histories_;
  std::map<delivery::LaneId, std::int64_t> epochs_;
  std::size_t announcements_checked_ = 0;
  // Dead, perhaps announced, when a failover came: dead again at the end.
  std::set<Letter> owed_;
};

}  // namespace spool::simulation
