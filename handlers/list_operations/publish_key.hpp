// The Kafka key of an operation that is published without one: the TMDB user's id. Pure, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spool::list_operations {

// Empty for other types of events, and where the data name no user.
std::optional<std::string> publish_key(std::string_view type, const std::string& data);

}  // namespace spool::list_operations
