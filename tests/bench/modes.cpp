#include "tests/bench/modes.hpp"

#include <cstdio>
#include <exception>

namespace spool::bench {

int run_mode(const Modes& modes, int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  std::string known;
  for (const auto& [name, run] : modes) {
    known += (known.empty() ? "" : " | ") + name;
    if (name != wanted) continue;
    try {
      return run(Arguments(argc, argv));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s %s: %s\n", argv[0], wanted.c_str(), error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "usage: %s %s [--name value ...]\n", argv[0], known.c_str());
  return 2;
}

}  // namespace spool::bench
