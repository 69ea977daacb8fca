// The benchmarks of bench_drill, each in the file of its name, which says what it measures. All of
// them take --record FILE. The exit code is 1 if an effect is missing or doubled, never for time.
#pragma once

#include "tests/bench/arguments.hpp"

namespace spool::bench {

// --events --rate
int lateness(Arguments arguments);
// --events --runs
int failures(Arguments arguments);
// --rate --keys --seconds --pairs
int isolation(Arguments arguments);
// --events --rounds
int dependency(Arguments arguments);
// --rate --seconds --before --after --runs
int outage(Arguments arguments);

}  // namespace spool::bench
