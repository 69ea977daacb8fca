#include "engine/message/event_headers.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace spool::message {
namespace {

// Header names are compared without regard to case (schemas/headers.md).
bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

HeaderList event_headers(const EventAttributes& attributes, const HeaderList& extra) {
  HeaderList headers;
  const HeaderList own = {{"ce_id", attributes.id},     {"ce_source", attributes.source},
                          {"ce_type", attributes.type}, {"ce_specversion", "1.0"},
                          {"ce_time", attributes.time}, {"content-type", "application/json"}};
  for (const auto& header : own) {
    const bool replaced = std::ranges::any_of(
        extra, [&](const auto& given) { return same_name(given.first, header.first); });
    if (!replaced) headers.push_back(header);
  }
  headers.insert(headers.end(), extra.begin(), extra.end());
  return headers;
}

}  // namespace spool::message
