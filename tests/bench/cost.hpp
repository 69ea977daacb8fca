// What a change costs where nothing fails: the worker of an earlier build and of this one drain the
// same backlog in turn, each on databases that it has migrated itself.
#pragma once

#include "tests/bench/arguments.hpp"

namespace spool::bench {

// --old PROGRAM --new PROGRAM --events --pairs --log FILE --record FILE. The exit code: 1 if a
// final table differs from the reference.
int cost(Arguments arguments);

}  // namespace spool::bench
