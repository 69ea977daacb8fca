// What must hold of the database and the dead-letter log, whatever happened. Everything is computed
// again from what was really produced; nothing is taken from the code under test. Throws Violation.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/delivery/lane.hpp"
#include "tests/simulation/sim_broker.hpp"
#include "tests/simulation/sim_database.hpp"
#include "tests/simulation/trace.hpp"

namespace spool::simulation {

class Checkers : public Observer {
 public:
  Checkers(const SimBroker& broker, bool may_fail_over)
      : broker_(broker), may_fail_over_(may_fail_over) {}
  void watch(SimDatabase& database) { database_ = &database; }

  void committed(const delivery::LaneId& lane) override { check_lane(lane); }
  void taken(const delivery::LaneId& lane, std::int64_t epoch) override;
  void fenced(const delivery::LaneId& lane, const delivery::Claim& shown,
              const delivery::Claim& actual) override;
  void failing_over() override;
  void went_back() override;

  // After every step of the world.
  void check_announcements();

  // Once everything has come to rest. `says`: why its owner says that a lane takes nothing in.
  using Says = std::function<delivery::PauseReason(const delivery::LaneId&)>;
  void check_end(const Says& says);

  // The log no longer has the lane's position, and the lane must say so.
  bool position_is_lost(const delivery::LaneId& lane) const;

 private:
  struct Expected {
    delivery::Counters counters;
    std::vector<int> ledger;
    std::map<int, int> newest;
    std::map<message::Identity, message::ErrorType> dead;
  };

  Expected expected(const delivery::LaneId& lane, const LaneRow& row) const;
  void check_lane(const delivery::LaneId& lane);
  void check_effects(const delivery::LaneId& lane, const LaneTables& tables,
                     const Expected& expected) const;
  void check_dead(const delivery::LaneId& lane, const LaneTables& tables,
                  const Expected& expected) const;
  void check_lane_at_end(const delivery::LaneId& lane, delivery::PauseReason says);
  bool is_dead(const message::Identity& identity, bool durably) const;

  const SimBroker& broker_;
  bool may_fail_over_;
  SimDatabase* database_ = nullptr;
  std::map<delivery::LaneId, std::int64_t> epochs_;
  std::size_t announcements_checked_ = 0;
  std::set<message::Identity>
      owed_;  // dead, perhaps announced, when a failover came: dead again at the end
};

}  // namespace spool::simulation
