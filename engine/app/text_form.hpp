// Bytes of others in the forms in which a command shows them: JSON, a terminal's line, base64.
// Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace spool::app {

// Between quotes, escaped as JSON wants it; control characters that terminals obey too. Broken
// UTF-8 becomes question marks.
std::string json_quoted(std::string_view text);

// One line that moves no cursor: control characters as \n, \t, \x1b, \u0085.
std::string visible(std::string_view text);

// Whether the bytes can be shown as they are: UTF-8 without control characters but tab and line
// ends.
bool is_plain_text(std::string_view bytes);

std::string base64(std::string_view bytes);

// Columns that valid UTF-8 takes, one per character.
std::size_t columns(std::string_view text);

}  // namespace spool::app
