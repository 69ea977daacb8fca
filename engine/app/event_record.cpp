#include "engine/app/event_record.hpp"

#include <algorithm>
#include <cctype>

#include "engine/base/text.hpp"

namespace spool::app {
namespace {

// Header names are compared without regard to case (schemas/headers.md).
bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

base::Result<HeaderList> parse_headers(const std::vector<std::string>& texts) {
  HeaderList headers;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::Failure(base::FailureKind::invalid,
                           "--header: \"" + text + "\" is not of the form NAME=VALUE");
    }
    headers.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return headers;
}

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

base::Result<std::string> topic_of_type(const std::string& type,
                                        const handler::HandlerRegistry& registry,
                                        const config::Settings& settings) {
  std::vector<std::string> types;
  for (const handler::Handler& handler : registry.all()) {
    for (const std::string& one : handler.spec.types) {
      if (one == type) return settings.handlers.at(handler.spec.name).topic;
      types.push_back(one);
    }
  }
  std::string text = "no handler takes events of type \"" + type + "\"";
  const std::string meant = base::nearest(type, types);
  text += meant.empty() ? "" : ", did you mean " + meant + "?";
  return base::Failure(base::FailureKind::invalid, text + " (--topic sends it all the same)");
}

}  // namespace spool::app
