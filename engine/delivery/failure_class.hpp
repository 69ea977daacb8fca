// What is done about each class of errors, unless the configuration says otherwise: one row for
// each word of message::ErrorType, with the reason. Constant, any thread.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <string_view>

#include "engine/message/error_type.hpp"

namespace spool::delivery {

enum class ErrorKind {
  transient,  // may go well the next time: an attempt is charged and made again
  permanent,  // would fail again in the same way: a dead letter at once
  poison,     // permanent, and not even readable
  waiting,    // not the event's fault, and only the lane or a person can mend it: never charged
};
std::string_view to_string(ErrorKind kind);

struct FailureClass {
  message::ErrorType type;
  ErrorKind kind;
  // transient: in place of the handler's ladder, if there are any. waiting: how soon it is asked
  // again, the last one over and over.
  std::span<const std::chrono::milliseconds> delays;
  // From its first failure on it may be tried again for so long; 0: no limit.
  std::chrono::milliseconds ttl;
  // The kinds of failure that operators know, separated by commas; empty: the engine's own.
  std::string_view taxonomy;
};

// In the order of the types.
const std::array<FailureClass, message::kErrorTypeCount>& failure_classes();
const FailureClass& failure_class(message::ErrorType type);

}  // namespace spool::delivery
