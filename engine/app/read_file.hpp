// Files that a command line names. Errors are `not_found` and `invalid`, with the file's name.
#pragma once

#include <string>

#include "engine/base/result.hpp"

namespace spool::app {

base::Result<std::string> read_file(const std::string& name);

}  // namespace spool::app
