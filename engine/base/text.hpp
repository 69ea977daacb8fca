// Small text helpers that both the pure core and the shells need. Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace spool::base {

// Valid UTF-8 without NUL, cut to at most `bytes_max` bytes at a character boundary: what may be
// put into a PostgreSQL text column or an error header, whatever the producer sent.
std::string printable(std::string_view text, std::size_t bytes_max);

// Appends it between quotes, escaped as JSON wants it; DEL and the control characters
// U+0080..U+009F too, which terminals obey. `text` is valid UTF-8, e.g. of printable().
void append_json_quoted(std::string& out, std::string_view text);

// Edit distance (Levenshtein, bytes).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or empty when none is near enough to be what was meant.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace spool::base
