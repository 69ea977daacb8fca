// JSON as the stand-in reads and writes it. Pure, any thread.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spool::standin {

namespace json = boost::json;

// An empty body counts as {}; empty if the text is not JSON, or no object.
std::optional<json::object> parse_object(std::string_view body);

// Empty if the member is missing or of another type.
std::optional<std::int64_t> whole_number(const json::object& object, std::string_view name);
std::optional<std::string> text(const json::object& object, std::string_view name);

}  // namespace spool::standin
