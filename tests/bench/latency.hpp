// From publish to row visible, at a steady rate, for the worker and for the loop in turn.
#pragma once

#include "tests/bench/arguments.hpp"

namespace spool::bench {

// --rate --seconds --rounds --log FILE --record FILE. The exit code: 1 if a row is missing.
int latency(Arguments arguments);

}  // namespace spool::bench
