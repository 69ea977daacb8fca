#include "handlers/list_operations/publish_key.hpp"

#include <array>
#include <limits>

#include "engine/message/envelope.hpp"
#include "engine/message/json_reader.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {

std::optional<std::string> publish_key(std::string_view type, const std::string& data) {
  if (type != kEventType) return std::nullopt;
  const std::array<message::JsonField, 1> fields = {
      {{"tmdb_user_id", message::JsonKind::integer, false,
        std::numeric_limits<std::int64_t>::min()}}};
  std::array<message::JsonValue, 1> values;
  std::string padded = data;
  padded.resize(data.size() + message::kReadAheadBytes);
  message::JsonReader reader;
  // What else is wrong with the document is none of our business here.
  static_cast<void>(reader.read(std::string_view(padded).substr(0, data.size()), fields, values));
  if (!values[0].present) return std::nullopt;
  return std::to_string(values[0].integer);
}

}  // namespace spool::list_operations
