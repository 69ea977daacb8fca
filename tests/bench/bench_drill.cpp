// Benchmarks of what happens when something fails: the worker with the drill's handlers, on the
// broker and the database that the environment names:
//   bench_drill lateness | failures | isolation | dependency | outage [--name value ...]
#include "tests/bench/drill_benches.hpp"
#include "tests/bench/modes.hpp"

int main(int argc, char** argv) {
  using namespace spool::bench;
  return run_mode({{"lateness", lateness},
                   {"failures", failures},
                   {"isolation", isolation},
                   {"dependency", dependency},
                   {"outage", outage}},
                  argc, argv);
}
