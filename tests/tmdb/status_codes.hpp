// TMDB's own status codes, the HTTP status that each travels with, and its message. Pure, any
// thread.
#pragma once

namespace spool::standin {

struct StatusCode {
  int code;
  int http;
  const char* message;
};

// Null if TMDB has no such code.
const StatusCode* find_status_code(int code);

}  // namespace spool::standin
