// Writes one JSON object, its members in the order in which they are added. For text that is
// written now and then; pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spool::base {

class JsonObject {
 public:
  // `value`: valid UTF-8, e.g. of printable().
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  // `value` is JSON already.
  void json(std::string_view name, std::string_view value);
  std::string str() const { return out_ + "}"; }

 private:
  void member(std::string_view name);

  std::string out_ = "{";
};

}  // namespace spool::base
