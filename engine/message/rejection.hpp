// Why an event could not be applied: a class out of a closed list, the field and a reason for
// people.
#pragma once

#include <string>

#include "engine/message/error_type.hpp"

namespace spool::message {

struct Rejection {
  ErrorType type;
  std::string field;  // dotted path within the event, empty when it is no single field
  std::string text;   // printable, cut, without secrets

  // "position_s: 7300 is beyond duration_s 7200"
  std::string message() const { return field.empty() ? text : field + ": " + text; }
};

}  // namespace spool::message
