// An answer as the bytes of HTTP/1.1. Pure, any thread.
#pragma once

#include <string>

#include "tests/tmdb/message.hpp"

namespace spool::standin {

// `whole` or `cut_short`; the others are not written.
std::string to_bytes(const Answer& answer, Ending ending, bool keep_alive);

}  // namespace spool::standin
