// The only source of chance in a simulation: the same seed gives the same run, on every machine.
// Not for use by several threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spool::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  // Another source: what is drawn there changes nothing here.
  Random split(std::uint64_t which) const {
    return Random(state_ ^ (0xd1b54a32d192ed03ULL * (which + 1)));
  }
  // 0..bound-1; bound > 0.
  std::size_t below(std::size_t bound);
  // first..last, both included.
  int between(int first, int last);
  bool chance(int per_mille) { return per_mille > 0 && between(1, 1000) <= per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace spool::simulation
