// How many calls to a service may begin now, as far as a limit beyond this process allows. Asked
// by the dispatcher under its lock: answers come from memory, at once, and never fail; while the
// limit cannot be asked about there are simply none. Steady clock, of this process. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/delivery/time.hpp"

namespace spool::delivery {

class CallBudget {
 public:
  virtual ~CallBudget() = default;

  // What take() would give at this moment.
  virtual std::size_t available(Instant now) = 0;

  // At most `n` permits, each to begin one call: its first byte leaves before the instant given, or
  // not at all. `n` is what the caller could use, though there be fewer: what is missing is sought,
  // and the caller is woken when some of it has come. The newest word counts; asking for none takes
  // back what was asked for.
  virtual std::vector<Instant> take(std::size_t n, Instant now) = 0;

  // Nothing was begun with this permit.
  virtual void give_back(Instant begin_by) = 0;

  // When there will be a permit, if that is known. If there is none now and nobody has asked for
  // any, this asks for one.
  virtual std::optional<Instant> next_at(Instant now) = 0;
};

}  // namespace spool::delivery
