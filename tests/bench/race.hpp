// A backlog, drained by the worker and by the loop in turn: how fast, at what cost, and whether to
// the right table.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/arguments.hpp"
#include "tests/bench/contender.hpp"
#include "tests/bench/reference.hpp"

namespace spool::bench {

// What is drained: published when it is made.
struct Course {
  // `poison`: the share of events that can only die.
  Course(std::int64_t events, double poison);

  Backlog backlog;
  std::size_t events = 0;
  ExpectedRows rows;
  std::int64_t end = 0;  // the sum of its partitions' ends
};

struct RaceRun {
  Kind kind = Kind::worker;
  double seconds = 0;  // from the first lane taken to the last offset committed
  double cpu_seconds = 0;
  double server_cpu_seconds = 0;
  double peak_rss_mb = 0;
  std::int64_t transactions = 0;  // of the worker, that moved a lane
  std::string difference;         // of the final table from the reference; empty: none
};

// On a database of its own, which the worker's program migrates.
RaceRun run_once(Kind kind, const Course& course, const Means& means);
// In a line, for people who wait.
std::string told(const char* name, const RaceRun& run, std::size_t events);

struct RaceResult {
  std::size_t events = 0;
  std::size_t rows = 0;
  Means means;
  std::vector<RaceRun> runs;
};

// For people, as Markdown.
std::string report(const RaceResult& result);

// --events --runs --deep-runs --prefetch-bytes --connections --log FILE --record FILE. The exit
// code.
int race(Arguments arguments);

}  // namespace spool::bench
