// The load of the benchmarks of list operations: a stand-in for TMDB, users with a list each that
// the mirror knows, and movies to be added to them, by a worker or by the loop (lists_loop.hpp).
// One thread; a result that is wrong is an exception.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/worker_process.hpp"

namespace spool::bench {

struct ListLoad {
  std::int32_t users = 1'000;
  std::int32_t movies = 20;  // of each user's list

  std::int64_t operations() const { return std::int64_t{users} * movies; }
};

struct ListRun {
  double seconds = 0;
  double cpu_seconds = 0;         // of the program
  double server_cpu_seconds = 0;  // of the database server
};

// From the moment when the first lane is taken until the last operation is settled; all of them
// are in the log before.
ListRun worker_run(const ListLoad& load, const test::Environment& environment);

ListRun loop_run(const ListLoad& load, int threads, bool synchronous_commit);

// So many operations of as many users at a stand-in that answers after 100 ms: seconds from the
// first request to the last answer.
double slow_service_run(std::int32_t users, std::int32_t concurrency);

}  // namespace spool::bench
