// The headers of an event that this program publishes: a record in CloudEvents binary mode. Nothing
// is validated: what is wrong on purpose must be publishable, or nobody could see what becomes of
// it. Pure, any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace spool::message {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct EventAttributes {
  std::string id = {};
  std::string source = {};
  std::string type = {};
  std::string time = {};  // RFC 3339
};

// The headers of the event, then `extra`; an attribute that stands in `extra` is left to it.
HeaderList event_headers(const EventAttributes& attributes, const HeaderList& extra = {});

}  // namespace spool::message
