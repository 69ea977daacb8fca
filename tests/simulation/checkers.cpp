#include "tests/simulation/checkers.hpp"

#include <algorithm>

namespace spool::simulation {
namespace {

std::string name_of(const delivery::LaneId& lane) {
  return lane.handler + "/" + std::to_string(lane.partition);
}

void require(bool holds, const delivery::LaneId& lane, const std::string& what) {
  if (!holds) throw Violation(what + " (lane " + name_of(lane) + ")");
}

std::string text(const delivery::Counters& c) {
  return "applied " + std::to_string(c.applied) + " duplicate " + std::to_string(c.duplicate) +
         " dead " + std::to_string(c.dead) + " open " + std::to_string(c.open) + " gaps " +
         std::to_string(c.gaps) + " lost " + std::to_string(c.lost);
}

message::ErrorType error_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::unknown_type:
      return message::ErrorType::schema_unknown_type;
    case Flaw::refused:
      return message::ErrorType::db_constraint;
    case Flaw::throws:
      return message::ErrorType::handler_bug;
    default:
      return message::ErrorType::schema_violation;
  }
}

// Says how the effects of a lane differ from what they should be, in the terms of what went wrong.
std::string difference(const std::vector<int>& actual, const std::vector<int>& expected) {
  std::set<int> once(actual.begin(), actual.end());
  if (once.size() != actual.size()) return "an effect happened twice";
  const std::set<int> wanted(expected.begin(), expected.end());
  for (const int number : actual) {
    if (!wanted.contains(number))
      return "event " + std::to_string(number) + " took effect, but the position is before it";
  }
  for (const int number : wanted) {
    if (!once.contains(number))
      return "event " + std::to_string(number) + " was skipped: the position is behind it";
  }
  return "events took effect out of order";
}

}  // namespace

Checkers::Expected Checkers::expected(const delivery::LaneId& lane, const LaneRow& row) const {
  Expected result;
  const bool ledger = lane.handler == "ledger";
  std::set<int> seen;
  const auto& entries = broker_.origin(lane).entries;
  for (std::int64_t offset = row.start; offset < row.next; ++offset) {
    const Entry& entry = entries[static_cast<std::size_t>(offset)];
    if (entry.gap) {
      ++result.counters.gaps;
      continue;
    }
    const bool copy = !seen.insert(entry.number).second;
    if (entry.flaw != Flaw::none) {
      ++(copy ? result.counters.duplicate : result.counters.dead);
      result.dead[entry.identity] = error_of(entry.flaw);
    } else if (!ledger) {
      ++result.counters.applied;
      int& newest = result.newest.try_emplace(entry.key, entry.version).first->second;
      newest = std::max(newest, entry.version);
    } else if (copy) {
      ++result.counters.duplicate;
    } else {
      ++result.counters.applied;
      result.ledger.push_back(entry.number);
    }
  }
  return result;
}

void Checkers::check_lane(const delivery::LaneId& lane) {
  const LaneTables& tables = database_->tables(lane);
  LaneRow row;
  if (tables.row) row = *tables.row;
  require(row.start <= row.next && row.next <= broker_.origin(lane).high(), lane,
          "the position " + std::to_string(row.next) + " is where nothing was ever produced");
  const Expected wanted = expected(lane, row);
  check_effects(lane, tables, wanted);
  check_dead(lane, tables, wanted);
  require(row.next - row.start == row.counters.sum(), lane,
          "conservation: " + std::to_string(row.next - row.start) + " offsets, but " +
              text(row.counters));
  require(row.counters == wanted.counters, lane,
          "miscounted: " + text(row.counters) + ", but the log says " + text(wanted.counters));
}

void Checkers::check_effects(const delivery::LaneId& lane, const LaneTables& tables,
                             const Expected& wanted) const {
  if (tables.ledger != wanted.ledger)
    require(false, lane, difference(tables.ledger, wanted.ledger));
  require(tables.newest == wanted.newest, lane,
          "the newest version of a key is not the newest of what lies before the position");
}

void Checkers::check_dead(const delivery::LaneId& lane, const LaneTables& tables,
                          const Expected& wanted) const {
  for (const auto& [identity, row] : tables.dead) {
    require(tables.dead.count(identity) == 1, lane, identity.id + " died twice");
    const auto should = wanted.dead.find(identity);
    require(should != wanted.dead.end(), lane, identity.id + " is dead, but should not be");
    require(should->second == row.type, lane, identity.id + " is dead for a wrong reason");
  }
  require(tables.dead.size() == wanted.dead.size(), lane,
          "an event that cannot be applied is not dead");
}

void Checkers::taken(const delivery::LaneId& lane, std::int64_t epoch) {
  std::int64_t& newest = epochs_[lane];
  require(epoch > newest, lane, "epoch " + std::to_string(epoch) + " was given out twice");
  newest = epoch;
  check_lane(lane);
}

// A database that went back shows an owner less than it believes, another owner shows another
// token. More than it believes it can only see when it went on after a commit of which it did not
// know how it had ended.
void Checkers::fenced(const delivery::LaneId& lane, const delivery::Claim& shown,
                      const delivery::Claim& actual) {
  require(
      shown.token != actual.token || shown.seq > actual.seq, lane,
      "an owner shows its own token and an older seq: it went on after a commit in doubt, or the "
      "token was given out twice");
}

void Checkers::failing_over() {
  epochs_.clear();
  for (const delivery::LaneId& lane : broker_.lanes()) {
    for (const auto& [identity, row] : database_->tables(lane).dead) owed_.insert(identity);
  }
}

void Checkers::went_back() {
  for (const delivery::LaneId& lane : broker_.lanes()) check_lane(lane);
  announcements_checked_ = 0;
}

bool Checkers::is_dead(const message::Identity& identity, bool durably) const {
  return std::any_of(
      broker_.lanes().begin(), broker_.lanes().end(), [&](const delivery::LaneId& lane) {
        const auto& dead = database_->tables(lane).dead;
        const auto row = dead.find(identity);
        return row != dead.end() && (!durably || database_->is_durable(row->second.transaction));
      });
}

void Checkers::check_announcements() {
  if (announcements_checked_ == broker_.announced().size()) return;
  announcements_checked_ = broker_.announced().size();
  for (const message::Identity& identity : broker_.announced()) {
    if (owed_.contains(identity)) continue;
    if (!is_dead(identity, true))
      throw Violation(identity.id + " was announced as dead, but that was not durable");
  }
}

bool Checkers::position_is_lost(const delivery::LaneId& lane) const {
  const auto& row = database_->tables(lane).row;
  return row && (broker_.incarnation(lane) > 1 || row->next < broker_.log(lane).low);
}

void Checkers::check_lane_at_end(const delivery::LaneId& lane, delivery::PauseReason says) {
  check_lane(lane);
  const bool stopped = says == delivery::PauseReason::position_lost;
  const LaneTables& tables = database_->tables(lane);
  require(tables.row.has_value(), lane, "nobody ever took the lane");
  if (position_is_lost(lane)) {
    require(stopped && tables.row->stopped == "position_lost", lane,
            "the log lost the position, but the lane did not stop");
  } else {
    require(!stopped && tables.row->stopped.empty(), lane, "the lane stopped without a reason");
    require(tables.row->next == broker_.log(lane).high(), lane, "the lane is not at the log's end");
    require(says == delivery::PauseReason::none, lane,
            std::string("the lane waits without need for: ") + delivery::to_string(says));
  }
  std::set<message::Identity> refused;
  for (const auto& [number, entry] : tables.outbox) {
    require(!entry.error.empty(), lane, "a row of the outbox was left behind");
    refused.insert(entry.identity);
  }
  for (const auto& [identity, row] : tables.dead) {
    require(broker_.announced().contains(identity) || refused.contains(identity), lane,
            identity.id + " is dead, but was never announced");
  }
}

void Checkers::check_end(const Says& says) {
  for (const delivery::LaneId& lane : broker_.lanes()) check_lane_at_end(lane, says(lane));
  for (const message::Identity& identity : broker_.announced()) {
    // With retention or a recreated topic, a failover may have made the loss of an announced death
    // final.
    const bool final_loss = owed_.contains(identity) && may_fail_over_;
    if (!final_loss && !is_dead(identity, false))
      throw Violation(identity.id + " was announced as dead, but is not");
  }
}

}  // namespace spool::simulation
