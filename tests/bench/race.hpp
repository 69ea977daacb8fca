// A backlog, drained by the worker and by the loop in turn: how fast, at what cost, and whether to
// the right table.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/arguments.hpp"
#include "tests/bench/contender.hpp"

namespace spool::bench {

struct RaceRun {
  Kind kind = Kind::worker;
  double seconds = 0;  // from the first lane taken to the last offset committed
  double cpu_seconds = 0;
  double server_cpu_seconds = 0;
  double peak_rss_mb = 0;
  std::string difference;  // of the final table from the reference; empty: none
};

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
