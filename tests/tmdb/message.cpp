#include "tests/tmdb/message.hpp"

#include "engine/base/assert.hpp"
#include "tests/tmdb/status_codes.hpp"

namespace spool::standin {
namespace {

const StatusCode& known(int code) {
  const StatusCode* found = find_status_code(code);
  SPOOL_ASSERT(found != nullptr, "only TMDB's own codes are answered");
  return *found;
}

// Below HTTP 400 stand two answers that say "not done".
bool is_success(const StatusCode& status) {
  return status.http < 400 && status.code != 21 && status.code != 40;
}

}  // namespace

Answer json_answer(int status, const json::object& body) {
  return {status, json::serialize(body)};
}

json::object status_object(int code) {
  const StatusCode& status = known(code);
  return {{"success", is_success(status)},
          {"status_code", status.code},
          {"status_message", status.message}};
}

Answer status_answer(int code) {
  return json_answer(known(code).http, status_object(code));
}

}  // namespace spool::standin
