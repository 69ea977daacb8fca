#include "engine/app/event_record.hpp"

#include "engine/base/text.hpp"

namespace spool::app {

using message::HeaderList;

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
