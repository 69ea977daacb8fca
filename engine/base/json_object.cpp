#include "engine/base/json_object.hpp"

#include "engine/base/text.hpp"

namespace spool::base {

void JsonObject::text(std::string_view name, std::string_view value) {
  member(name);
  append_json_quoted(out_, value);
}

void JsonObject::number(std::string_view name, std::int64_t value) {
  member(name);
  out_ += std::to_string(value);
}

void JsonObject::json(std::string_view name, std::string_view value) {
  member(name);
  out_ += value;
}

void JsonObject::member(std::string_view name) {
  if (out_.size() > 1) out_ += ",";
  append_json_quoted(out_, name);
  out_ += ":";
}

}  // namespace spool::base
