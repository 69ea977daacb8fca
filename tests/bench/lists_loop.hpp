// The single-purpose program that the worker's list operations are measured against: for each
// operation one insert, one call, one update together with the mirror's row, and nothing else. No
// log, no order but that of a thread, no retries; any failure is an exception. Owned by the
// benchmark's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/postgres/connection.hpp"

namespace spool::bench {

// A movie to be added to a list.
struct Addition {
  std::int64_t list_row = 0;      // media.lists.id
  std::int64_t tmdb_list_id = 0;  // at the stand-in
  std::int32_t user = 0;
  std::int32_t movie = 0;
};

struct LoopSettings {
  postgres::ConnectionSettings database;
  std::uint16_t standin_port = 0;
  int threads = 1;  // each with a connection to the database and one to the stand-in
};

// Seconds that it took. What is on one list is done by one thread, in its order.
double run_lists_loop(const LoopSettings& settings, const std::vector<Addition>& additions);

}  // namespace spool::bench
