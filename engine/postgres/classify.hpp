// What an error of PostgreSQL means for the work at hand. The one place where exceptions of the
// driver become failures; the rules are tried as a table in classify_test.cpp. Pure, any thread.
#pragma once

#include <exception>
#include <string_view>

#include "engine/base/result.hpp"

namespace spool::postgres {

// By SQLSTATE. The message is looked at only where the code says too little: a row without a
// partition (our fault) shares 23514 with a violated check (the event's).
base::FailureKind kind_of(std::string_view sqlstate, std::string_view message);

// The text is the server's first line, cut: details would quote rows.
base::Failure classify(const std::exception& error);

}  // namespace spool::postgres
