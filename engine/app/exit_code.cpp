#include "engine/app/exit_code.hpp"

namespace spool::app {

ExitCode exit_code(base::FailureKind kind) {
  using base::FailureKind;
  switch (kind) {
    case FailureKind::unavailable:
    case FailureKind::slow:
    case FailureKind::in_doubt:
      return kUnreachable;
    case FailureKind::conflict:
    case FailureKind::fenced:
    case FailureKind::schema:
    case FailureKind::position:
      return kConflict;
    case FailureKind::invalid:
      return kUsage;
    case FailureKind::not_found:
      return kNotFound;
    case FailureKind::stopped:
      return kInterrupted;
    case FailureKind::bad_data:
    case FailureKind::refused:
      return kFailed;
  }
  return kFailed;
}

}  // namespace spool::app
