// Benchmarks of the worker with the playback handler, on the broker and the database that the
// environment names:
//   bench_progress race | latency | steady | cost [--name value ...]
#include "tests/bench/cost.hpp"
#include "tests/bench/latency.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/race.hpp"
#include "tests/bench/steady.hpp"

int main(int argc, char** argv) {
  using namespace spool::bench;
  return run_mode({{"race", race}, {"latency", latency}, {"steady", steady}, {"cost", cost}}, argc,
                  argv);
}
