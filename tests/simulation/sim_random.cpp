#include "tests/simulation/sim_random.hpp"

#include "engine/base/assert.hpp"

namespace spool::simulation {

// splitmix64: one word of state, and neighbouring seeds give unrelated runs.
std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t word = state_;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
  return word ^ (word >> 31);
}

std::size_t Random::below(std::size_t bound) {
  SPOOL_ASSERT(bound > 0, "nothing to choose from");
  return static_cast<std::size_t>(next() % bound);
}

int Random::between(int first, int last) {
  return first + static_cast<int>(below(static_cast<std::size_t>(last - first + 1)));
}

}  // namespace spool::simulation
