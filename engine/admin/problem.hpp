// Errors over HTTP are application/problem+json (RFC 9457). Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "engine/admin/http_types.hpp"

namespace spool::admin {

// The reason phrase of the statuses that this server answers with, e.g. "Not Found".
const char* status_title(int status);

// `detail` is for people and may be empty.
Response problem(int status, std::string_view detail);

// Text between quotes as JSON wants it; broken UTF-8 becomes question marks.
std::string json_quoted(std::string_view text);

}  // namespace spool::admin
