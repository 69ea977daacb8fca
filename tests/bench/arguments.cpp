#include "tests/bench/arguments.hpp"

#include <stdexcept>

namespace spool::bench {

Arguments::Arguments(int argc, char** argv) {
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (!name.starts_with("--") || i + 1 == argc)
      throw std::runtime_error("expected --name value, not '" + name + "'");
    given_[name.substr(2)] = argv[i + 1];
  }
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) {
  const auto found = given_.extract(name);
  return found.empty() ? otherwise : found.mapped();
}

std::int64_t Arguments::number(const std::string& name, std::int64_t otherwise) {
  const auto found = given_.extract(name);
  return found.empty() ? otherwise : std::stoll(found.mapped());
}

void Arguments::done() const {
  if (!given_.empty()) throw std::runtime_error("unknown option --" + given_.begin()->first);
}

}  // namespace spool::bench
