// An event as `spool publish` sends it: a record in CloudEvents binary mode. Nothing is validated:
// what is wrong on purpose must be publishable, or nobody could see what becomes of it. Pure, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/config/settings.hpp"
#include "engine/handler/registry.hpp"

namespace spool::app {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct EventAttributes {
  std::string id;
  std::string source = "spool-cli";
  std::string type;
  std::string time;  // RFC 3339
};

// "name=value" of each; the value may be empty and may hold further '='.
base::Result<HeaderList> parse_headers(const std::vector<std::string>& texts);

// The headers of the event, then `extra`; an attribute that stands in `extra` is left to it.
HeaderList event_headers(const EventAttributes& attributes, const HeaderList& extra);

// The topic of the handler that takes such events. Fails with `invalid`, naming the nearest type.
base::Result<std::string> topic_of_type(const std::string& type,
                                        const handler::HandlerRegistry& registry,
                                        const config::Settings& settings);

}  // namespace spool::app
