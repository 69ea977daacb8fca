#include "engine/base/result.hpp"

namespace spool::base {

const char* to_string(FailureKind kind) {
  switch (kind) {
    case FailureKind::unavailable:
      return "unavailable";
    case FailureKind::conflict:
      return "conflict";
    case FailureKind::slow:
      return "slow";
    case FailureKind::bad_data:
      return "bad_data";
    case FailureKind::fenced:
      return "fenced";
    case FailureKind::in_doubt:
      return "in_doubt";
    case FailureKind::schema:
      return "schema";
    case FailureKind::position:
      return "position";
    case FailureKind::invalid:
      return "invalid";
    case FailureKind::not_found:
      return "not_found";
    case FailureKind::refused:
      return "refused";
    case FailureKind::stopped:
      return "stopped";
  }
  return "unknown";
}

}  // namespace spool::base
