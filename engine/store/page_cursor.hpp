// Where the next page of a list goes on that is ordered by a time and an id: as text
// <microseconds>_<uuid>, of the last row of the page before. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"

namespace spool::store {

// Both or, for the first page, neither.
struct PageCursor {
  std::optional<base::EpochMicros> time;
  std::optional<base::Uuid> id;
};

// `list`: of what, for the person who gave something else; `invalid` then.
base::Result<PageCursor> parse_page_cursor(const std::string& text, const char* list);
std::string page_cursor(base::EpochMicros time, const base::Uuid& id);

}  // namespace spool::store
