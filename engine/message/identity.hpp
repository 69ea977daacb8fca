// The identity of an event is (source, id). A record that carries none still needs one, or it could
// not be told from the next: its coordinates in the log stand in for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/uuid.hpp"

namespace spool::message {

struct Identity {
  std::string source;
  std::string id;
  friend bool operator==(const Identity&, const Identity&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

// "spool:record:<topic>" and "<partition>:<offset>@<timestamp_ms>": the timestamp keeps a recreated
// topic's records apart from those of its predecessor.
Identity coordinates_identity(std::string_view topic, std::int32_t partition, std::int64_t offset,
                              std::int64_t timestamp_ms);

// Where a row needs a uuid: the id itself if it is one, else UUIDv5 of both.
base::Uuid row_uuid(std::string_view source, std::string_view id);

// 1..255 bytes of UTF-8 without NUL: what can be stored and compared in PostgreSQL.
bool usable(std::string_view part);

}  // namespace spool::message
