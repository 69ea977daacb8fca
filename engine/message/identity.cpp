#include "engine/message/identity.hpp"

#include <simdjson.h>

namespace spool::message {

Identity coordinates_identity(std::string_view topic, std::int32_t partition, std::int64_t offset,
                              std::int64_t timestamp_ms) {
  // Kafka's names may be longer than what is left of an identity's 255 bytes.
  constexpr std::size_t kTopicBytesMax = 200;
  return {"spool:record:" + std::string(topic.substr(0, kTopicBytesMax)),
          std::to_string(partition) + ":" + std::to_string(offset) + "@" +
              std::to_string(timestamp_ms)};
}

base::Uuid row_uuid(std::string_view source, std::string_view id) {
  if (const auto uuid = base::parse_uuid(id)) return *uuid;
  return base::name_uuid(source, id);
}

bool usable(std::string_view part) {
  return !part.empty() && part.size() <= 255 && part.find('\0') == std::string_view::npos &&
         simdjson::validate_utf8(part.data(), part.size());
}

}  // namespace spool::message
