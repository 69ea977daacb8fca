// One GET over plain HTTP with a deadline, for `spool health`. Blocks the calling thread; any
// thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace spool::admin {

struct HttpAnswer {
  int status = 0;
  std::string body;  // at most 8 MiB
};

// `timeout` covers connecting, asking and reading together, but not the look-up of a host name. Any
// status is an answer. Fails with `invalid` (the URL), `slow` (no answer in time), `unavailable`
// (all else).
base::Result<HttpAnswer> http_get(std::string_view url, std::chrono::milliseconds timeout);

}  // namespace spool::admin
