// Benchmarks of the whole worker on the broker and the database that the environment names:
//   bench_progress race | latency | steady [--name value ...]
#include <cstdio>
#include <exception>
#include <string>

#include "tests/bench/latency.hpp"
#include "tests/bench/race.hpp"
#include "tests/bench/steady.hpp"

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    spool::bench::Arguments arguments(argc, argv);
    if (what == "race") return spool::bench::race(std::move(arguments));
    if (what == "latency") return spool::bench::latency(std::move(arguments));
    if (what == "steady") return spool::bench::steady(std::move(arguments));
    std::fprintf(stderr, "usage: bench_progress race | latency | steady [--name value ...]\n");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_progress %s: %s\n", what.c_str(), error.what());
    return 1;
  }
}
