#include "tests/simulation/faults.hpp"

namespace spool::simulation {

std::optional<base::Failure> Faults::strike() {
  using base::Failure;
  using base::FailureKind;
  if (!on) return std::nullopt;
  if (database_down) return Failure(FailureKind::unavailable, "the database is down");
  if (chance(swarm.unavailable)) return Failure(FailureKind::unavailable, "connection lost");
  if (chance(swarm.slow)) return Failure(FailureKind::slow, "statement timeout", "57014");
  if (chance(swarm.conflict)) return Failure(FailureKind::conflict, "deadlock", "40P01");
  if (chance(swarm.schema)) return Failure(FailureKind::schema, "no such table", "42P01");
  return std::nullopt;
}

}  // namespace spool::simulation
