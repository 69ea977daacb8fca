// Time points of the outside world are microseconds since the Unix epoch, UTC (PostgreSQL's own
// resolution). Nothing here reads a clock. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spool::base {

// Microseconds since 1970-01-01T00:00:00Z.
using EpochMicros = std::int64_t;

// RFC 3339 date-time, e.g. 2026-01-02T03:04:05.678+01:00; digits beyond microseconds are cut, a
// leap second
// (:60) counts as the first second of the next minute. Empty if the text is anything else.
std::optional<EpochMicros> parse_rfc3339(std::string_view text);

// 2026-01-02T03:04:05.678901Z, always with six digits.
std::string format_rfc3339(EpochMicros time);

}  // namespace spool::base
