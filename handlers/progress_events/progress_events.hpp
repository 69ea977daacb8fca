// Keeps media.watch_progress: how far every user has watched. Each batch is folded to one row per
// item and written with one statement. Applying an event again changes nothing (the latest wins),
// so neither an inbox nor an order is needed.
#pragma once

#include "engine/handler/handler.hpp"

namespace spool::progress_events {

struct Settings {
  int completed_percent = 90;  // of the duration, 1..100: from there on an item counts as seen
};

// Fails (invalid) when a setting is out of its range.
base::Result<handler::Handler> make_handler(const Settings& settings);

}  // namespace spool::progress_events
