// Dead letters as a command shows and exports them. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "engine/app/output.hpp"
#include "engine/store/dead_letter_query.hpp"

namespace spool::app {

// Without the record itself.
Record letter_summary(const store::DeadLetterSummary& letter);

// All of it. Bytes that are text stand as they are, the others in base64: {"encoding", "data"}.
Record letter_record(const store::DeadLetterDetail& letter);

// The record as kcat -J prints one, so that kcat's users have their tools. A key or payload that is
// no text is in key_base64 or payload_base64 instead.
std::string kcat_envelope(const store::DeadLetterDetail& letter);

// One line of RFC 4180, and the line with the names.
std::string csv_line(const store::DeadLetterDetail& letter);
std::string csv_head();

std::string bytes_text(const std::optional<std::string>& bytes);

}  // namespace spool::app
