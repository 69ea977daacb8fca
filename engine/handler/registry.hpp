// The handlers of a program, checked once at start: names and topics are unique and well-formed.
// Filled by handlers/all_handlers.cpp, then read-only, any thread.
#pragma once

#include <string_view>
#include <vector>

#include "engine/handler/handler.hpp"

namespace spool::handler {

class HandlerRegistry {
 public:
  // Refuses (invalid) a name or topic that is taken, a malformed name, and a handler without event
  // types, also a duty's name that is malformed or taken within its handler.
  base::Status add(Handler handler);

  const std::vector<Handler>& all() const { return handlers_; }
  const Handler* find(std::string_view name) const;

 private:
  std::vector<Handler> handlers_;
};

}  // namespace spool::handler
