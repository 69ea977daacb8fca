// An event as `spool publish` sends it, out of the words of the command line. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/config/settings.hpp"
#include "engine/handler/registry.hpp"
#include "engine/message/event_headers.hpp"

namespace spool::app {

// "name=value" of each; the value may be empty and may hold further '='.
base::Result<message::HeaderList> parse_headers(const std::vector<std::string>& texts);

// The topic of the handler that takes such events. Fails with `invalid`, naming the nearest type.
base::Result<std::string> topic_of_type(const std::string& type,
                                        const handler::HandlerRegistry& registry,
                                        const config::Settings& settings);

}  // namespace spool::app
