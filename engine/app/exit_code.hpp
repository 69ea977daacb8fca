// What the process tells its caller. Part of the command line's contract: a number never changes
// its meaning.
#pragma once

#include "engine/base/result.hpp"

namespace spool::app {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,  // wrong command line or configuration
  kPartlyDone = 3,
  kNotFound = 4,
  kConflict = 5,     // a precondition does not hold
  kUnreachable = 6,  // Kafka, PostgreSQL or a worker does not answer
  kNotAllowed = 7,
  kDifferent = 8,  // differences were found, and --exit-code asked for them
  kInterrupted = 130,
};

ExitCode exit_code(base::FailureKind kind);

}  // namespace spool::app
