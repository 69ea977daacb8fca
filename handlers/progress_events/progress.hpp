// A playback event: how far a user has watched one movie or one episode. Decoding is where every
// rule about its fields stands; what passes can be stored as it is. Pure, one Decoder per thread;
// times in microseconds since the epoch, UTC.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "engine/base/time.hpp"
#include "engine/message/json_reader.hpp"
#include "engine/message/rejection.hpp"

namespace spool::progress_events {

inline constexpr std::string_view kEventType = "progress.v1";

// A player's clock may be wrong by a time zone. Later than this is no clock's fault, and since the
// latest event wins, it would hide all real ones until then.
inline constexpr base::EpochMicros kFutureMax = 24LL * 3600 * 1'000'000;
// 2000-01-01T00:00:00Z: earlier than any player; a clock that was never set says 1970.
inline constexpr base::EpochMicros kUpdatedAtMin = 946'684'800LL * 1'000'000;
inline constexpr std::int64_t kDurationMaxS = 86'399;
inline constexpr std::int64_t kSessionIdBytesMax = 128;

enum class MediaType : std::uint8_t { movie, tv };                // in the order of their names
enum class State : std::uint8_t { none, progress, start, stop };  // likewise

std::string_view to_string(MediaType type);
std::string_view to_string(State state);  // empty for none

struct Progress {
  std::int64_t user_id = 0;          // > 0
  base::EpochMicros updated_at = 0;  // kUpdatedAtMin..now + kFutureMax
  std::int32_t tmdb_id = 0;          // > 0
  std::int32_t position_s = 0;       // 0..duration_s
  std::int32_t duration_s = 0;       // 1..kDurationMaxS
  std::int16_t season = 0;           // 0 for movies; season 0 of a show holds its specials
  std::int16_t episode = 0;          // 0 for movies
  MediaType media_type = MediaType::movie;
  State state = State::none;
  std::string_view session_id;  // empty if absent
  friend bool operator==(const Progress&, const Progress&) = default;
};

// Whether so much has been watched that it counts as seen; `percent` is 1..100.
bool completes(const Progress& progress, int percent);

class Decoder {
 public:
  // kReadAheadBytes must be readable behind `data`. The session id points into the decoder until
  // its next decode().
  std::variant<Progress, message::Rejection> decode(std::string_view data, base::EpochMicros now);

 private:
  message::JsonReader json_;
};

}  // namespace spool::progress_events
