// Thousands of worlds hold; every planted bug is caught; a seed gives the same run twice.
#include "tests/simulation/world.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#ifndef SPOOL_SIMULATION_SEEDS
#define SPOOL_SIMULATION_SEEDS 10000
#endif

namespace spool::simulation {
namespace {

std::uint64_t seeds_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// SPOOL_SIMULATION_FIRST moves the range, for runs that look at other seeds each time.
TEST(Simulation, every_world_holds) {
  const std::uint64_t first = seeds_from_environment("SPOOL_SIMULATION_FIRST", 1);
  const std::uint64_t seeds =
      seeds_from_environment("SPOOL_SIMULATION_SEEDS", SPOOL_SIMULATION_SEEDS);
  std::int64_t records = 0;
  std::int64_t deeds = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const Outcome outcome = simulate(seed, Plant::none, false);
    ASSERT_FALSE(outcome.violation) << "seed " << seed << ": " << *outcome.violation
                                    << "\nread it with: simulate --seed " << seed << " --trace";
    records += outcome.records;
    deeds += outcome.deeds;
  }
  EXPECT_GT(records, static_cast<std::int64_t>(seeds)) << "worlds without events prove nothing";
  EXPECT_GT(deeds, static_cast<std::int64_t>(seeds)) << "nor do worlds that only pass them";
}

TEST(Simulation, a_seed_gives_the_same_run_twice) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Outcome once = simulate(seed, Plant::none, true);
    const Outcome twice = simulate(seed, Plant::none, true);
    ASSERT_EQ(once.trace, twice.trace) << "seed " << seed;
    ASSERT_GT(once.trace.size(), 20U) << "seed " << seed;
  }
}

TEST(Simulation, different_seeds_give_different_runs) {
  EXPECT_NE(simulate(1, Plant::none, true).trace, simulate(2, Plant::none, true).trace);
}

class Planted : public testing::TestWithParam<PlantName> {};

// The slowest of them needed some 6000 when this was written.
constexpr std::uint64_t kSeedsMax = 8'000;
// A slow build looks at fewer worlds, and at what it finds there.
constexpr bool kSlowBuild = SPOOL_SIMULATION_SEEDS < kSeedsMax;
constexpr std::uint64_t kSeeds = kSlowBuild ? SPOOL_SIMULATION_SEEDS : kSeedsMax;

TEST_P(Planted, is_caught) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome outcome = simulate(seed, GetParam().plant, false);
    if (!outcome.violation) continue;
    std::printf("%.*s: caught by seed %llu: %s\n", static_cast<int>(GetParam().name.size()),
                GetParam().name.data(), static_cast<unsigned long long>(seed),
                outcome.violation->c_str());
    return;
  }
  if (kSlowBuild) GTEST_SKIP() << "it needs more worlds than this build has time for";
  FAIL() << GetParam().name << " survived " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Bugs, Planted, testing::ValuesIn(kPlants),
                         [](const auto& entry) { return std::string(entry.param.name); });

}  // namespace
}  // namespace spool::simulation
