// Bugs that can be planted into the simulated world (never into the engine), each the removal of
// one rule of the delivery protocol. A simulation that does not notice them proves nothing.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace spool::simulation {

enum class Plant {
  none,
  fence_ignores_token,
  fence_ignores_seq,
  token_twice,         // a database that went back gives out the same token again
  no_comparison,       // owners without work do not compare their claims
  position_outside,    // the position moves in a transaction of its own
  resume_from_group,   // a lane resumes from the group's committed offset
  publish_early,       // dead letters are announced before their transaction has committed
  outbox_relaxed,      // transactions with outbox rows are not durable when they are answered
  doubt_is_failure,    // a commit in doubt is reported as one that certainly failed
  no_low_check,        // the log's first offset is not known, the consumer resets to what there is
  no_high_check,       // the log's end is not known, likewise
  no_timestamp_check,  // the record before the position is not compared
  gaps_uncounted,
  take_relaxed,  // taking a lane is not durable when it is answered
  bury_not_unique,
  savepoint_ignored,  // rolling back to a savepoint undoes nothing
  stale_fetch,        // records fetched for an earlier placement reach the lane after a new one
};

struct PlantName {
  Plant plant;
  std::string_view name;
};

std::optional<Plant> plant_of(std::string_view name);
std::string_view to_string(Plant plant);

inline constexpr std::array kPlants{
    PlantName{Plant::fence_ignores_token, "fence_ignores_token"},
    PlantName{Plant::fence_ignores_seq, "fence_ignores_seq"},
    PlantName{Plant::token_twice, "token_twice"},
    PlantName{Plant::no_comparison, "no_comparison"},
    PlantName{Plant::position_outside, "position_outside"},
    PlantName{Plant::resume_from_group, "resume_from_group"},
    PlantName{Plant::publish_early, "publish_early"},
    PlantName{Plant::outbox_relaxed, "outbox_relaxed"},
    PlantName{Plant::doubt_is_failure, "doubt_is_failure"},
    PlantName{Plant::no_low_check, "no_low_check"},
    PlantName{Plant::no_high_check, "no_high_check"},
    PlantName{Plant::no_timestamp_check, "no_timestamp_check"},
    PlantName{Plant::gaps_uncounted, "gaps_uncounted"},
    PlantName{Plant::take_relaxed, "take_relaxed"},
    PlantName{Plant::bury_not_unique, "bury_not_unique"},
    PlantName{Plant::savepoint_ignored, "savepoint_ignored"},
    PlantName{Plant::stale_fetch, "stale_fetch"},
};

}  // namespace spool::simulation
