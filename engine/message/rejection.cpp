#include "engine/message/rejection.hpp"

namespace spool::message {

std::string_view to_string(ErrorType type) {
  switch (type) {
    case ErrorType::schema_invalid_json:
      return "schema.invalid_json";
    case ErrorType::schema_violation:
      return "schema.violation";
    case ErrorType::schema_unknown_type:
      return "schema.unknown_type";
    case ErrorType::payload_too_large:
      return "payload.too_large";
    case ErrorType::db_constraint:
      return "db.constraint";
    case ErrorType::handler_bug:
      return "handler.bug";
  }
  return "_OTHER";
}

}  // namespace spool::message
