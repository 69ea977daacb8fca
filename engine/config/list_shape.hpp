// Values that are lists: read item by item, each as the shape of one says. Part of shape.hpp's
// parse(), accept(), to_text() and to_toml(). Pure, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/shape.hpp"

namespace spool::config {

// Of one item of a list.
Shape item_of(Shape list);

base::Result<Value> accept_list(const Shape& shape, const std::vector<std::string>& items);
// Items are separated by commas; spaces around one do not count, an empty text is an empty list.
base::Result<Value> parse_list(const Shape& shape, std::string_view text);

std::string list_text(const Value& list, std::string_view between,
                      const std::function<std::string(const Value&)>& write);

}  // namespace spool::config
