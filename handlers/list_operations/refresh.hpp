// What reading a list at TMDB has shown: in what the mirror and the service contradict each other,
// as `details` of the operation keeps it. Pure, any thread.
#pragma once

#include <string>

#include "handlers/list_operations/mirror.hpp"

namespace spool::list_operations {

struct Refreshed {
  Existence there = Existence::unknown;
  // The mirror did not know the whole list. What it did not know is no difference.
  bool partial = false;
  Differences differences = {};
};

Refreshed compared(const ListState& mirror, const ListState& fetched);

// {"differs", "partial", "existence", "fields", "only_in_mirror", "only_at_tmdb"}
std::string details_json(const Refreshed& refreshed);

}  // namespace spool::list_operations
