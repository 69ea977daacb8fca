// simulate --seed N | --seeds A..B [--trace] [--plant NAME]: runs worlds by seed and prints what
// broke. simulate --plants: the bugs that can be planted, each with the rules that it takes away.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/simulation/world.hpp"

namespace {

using spool::simulation::Plant;

volatile std::sig_atomic_t running_seed_high = 0;
volatile std::sig_atomic_t running_seed_low = 0;

// A broken assertion of the engine ends the process: the seed must not be lost with it.
void on_abort(int) {
  const auto seed = (static_cast<unsigned long long>(running_seed_high) << 31) |
                    static_cast<unsigned long long>(running_seed_low);
  std::fprintf(stderr, "aborted in seed %llu\n", seed);
}

struct Options {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
  bool trace = false;
  Plant plant = Plant::none;
};

void list_plants() {
  for (const auto& entry : spool::simulation::kPlants) {
    std::printf("%.*s %.*s\n", static_cast<int>(entry.name.size()), entry.name.data(),
                static_cast<int>(entry.rules.size()), entry.rules.data());
  }
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: simulate [--seed N | --seeds A..B] [--trace] [--plant NAME] | --plants\n");
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) usage();
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--plants") {
      list_plants();
      std::exit(0);
    }
    if (flag == "--trace") {
      options.trace = true;
      continue;
    }
    if (i + 1 == argc) usage();
    const std::string_view value = argv[++i];
    if (flag == "--seed") {
      options.first = options.last = number(value);
    } else if (flag == "--seeds") {
      const std::size_t dots = value.find("..");
      if (dots == std::string_view::npos) usage();
      options.first = number(value.substr(0, dots));
      options.last = number(value.substr(dots + 2));
    } else if (flag == "--plant") {
      const auto plant = spool::simulation::plant_of(value);
      if (!plant) usage();
      options.plant = *plant;
    } else {
      usage();
    }
  }
  return options;
}

constexpr std::size_t kTailLines = 40;

void report(std::uint64_t seed, const Options& options, const std::string& violation) {
  // The same seed gives the same run: the trace is made only when somebody wants to read it.
  const auto again = spool::simulation::simulate(seed, options.plant, true);
  const std::size_t lines = again.trace.size();
  for (std::size_t i = lines > kTailLines ? lines - kTailLines : 0; i < lines; ++i)
    std::printf("  %s\n", again.trace[i].c_str());
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::signal(SIGABRT, on_abort);
  const auto begin = std::chrono::steady_clock::now();
  std::int64_t records = 0;
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    running_seed_high = static_cast<std::sig_atomic_t>(seed >> 31);
    running_seed_low = static_cast<std::sig_atomic_t>(seed & 0x7fffffff);
    const auto outcome = spool::simulation::simulate(seed, options.plant, options.trace);
    for (const std::string& line : outcome.trace) std::printf("%s\n", line.c_str());
    records += outcome.records;
    if (outcome.violation) {
      report(seed, options, *outcome.violation);
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double seeds = static_cast<double>(options.last - options.first + 1);
  std::printf("%.0f seeds hold, %lld records, %.0f seeds per second\n", seeds,
              static_cast<long long>(records), seeds / took.count());
  return 0;
}
