// Why an event can never be applied: a class out of a closed list, the field and a reason for
// people. The words of the list stand on the wire (spool-error-type), in metrics and in filters.
#pragma once

#include <string>
#include <string_view>

namespace spool::message {

enum class ErrorType {
  schema_invalid_json,  // not JSON at all, or JSON that ends early
  schema_violation,     // a field (or the envelope) is missing, of a wrong type or out of range
  schema_unknown_type,  // an event type that the topic's handler does not know
  payload_too_large,    // more bytes than an event may have
  db_constraint,        // PostgreSQL refuses a value of it
  handler_bug,          // the handler threw
};

std::string_view to_string(ErrorType type);

struct Rejection {
  ErrorType type;
  std::string field;  // dotted path within the event, empty when it is no single field
  std::string text;   // printable, cut, without secrets

  // "position_s: 7300 is beyond duration_s 7200"
  std::string message() const { return field.empty() ? text : field + ": " + text; }
};

}  // namespace spool::message
