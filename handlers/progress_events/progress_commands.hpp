// `spool progress ...`: what a person asks about playback progress, and how `spool publish` finds
// the key of such an event.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/app/command.hpp"
#include "engine/base/result.hpp"
#include "handlers/progress_events/progress_query.hpp"

namespace spool::progress_events {

std::vector<app::Command> progress_commands();

// "<user_id>:<tmdb_id>" if the event is of our type and its data names both, whatever else may be
// wrong with it.
std::optional<std::string> publish_key(std::string_view type, const std::string& data);

// "movie:603" or "tv:1399:1:2" (show, season, episode). Fails with `invalid`.
base::Result<Item> parse_media(std::int64_t user_id, std::string_view text);

// The same back.
std::string media_text(const Item& item);

}  // namespace spool::progress_events
