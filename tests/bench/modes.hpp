// The frame of a program with several benchmarks: PROGRAM MODE [--name value ...].
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/arguments.hpp"

namespace spool::bench {

// A benchmark gives the exit code: 1 if a result was wrong.
using Modes = std::vector<std::pair<std::string, int (*)(Arguments)>>;

// For main(): runs the mode that the first argument names, and tells what it throws.
int run_mode(const Modes& modes, int argc, char** argv);

}  // namespace spool::bench
