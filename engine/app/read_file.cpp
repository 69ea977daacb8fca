#include "engine/app/read_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace spool::app {

base::Result<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    const int why = errno;
    return base::Failure(why == ENOENT ? base::FailureKind::not_found : base::FailureKind::invalid,
                         name + ": " + std::strerror(why));
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // A directory opens, but cannot be read.
  if (file.bad()) return base::Failure(base::FailureKind::invalid, name + ": cannot be read");
  return text;
}

}  // namespace spool::app
