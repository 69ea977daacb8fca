// A worker under a steady stream for a long time, killed again and again: is the table right, does
// memory grow?
#pragma once

#include "tests/bench/arguments.hpp"

namespace spool::bench {

// A killed worker's lanes wait for the end of its session (30 s): --kill-every must be longer.
// --rate --minutes --kill-every SECONDS --log FILE. The exit code: 1 if the final table differs.
int steady(Arguments arguments);

}  // namespace spool::bench
