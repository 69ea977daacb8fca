#include "handlers/progress_events/progress.hpp"

#include <array>
#include <optional>
#include <string>

namespace spool::progress_events {
namespace {

using message::JsonField;
using message::JsonKind;
using message::JsonValue;
using message::Rejection;

enum Slot : std::size_t {
  kUserId,
  kMediaType,
  kTmdbId,
  kSeason,
  kEpisode,
  kPositionS,
  kDurationS,
  kUpdatedAt,
  kSessionId,
  kState,
  kSlots
};

// In the order in which players write them, which is what the reader expects first.
constexpr std::array<JsonField, kSlots> kFields{{
    {"user_id", JsonKind::integer, true, 1},
    {"media_type", JsonKind::text, true},
    {"tmdb_id", JsonKind::integer, true, 1, std::numeric_limits<std::int32_t>::max()},
    {"season", JsonKind::integer, false, 0, std::numeric_limits<std::int16_t>::max()},
    {"episode", JsonKind::integer, false, 0, std::numeric_limits<std::int16_t>::max()},
    {"position_s", JsonKind::integer, true, 0, kDurationMaxS},
    {"duration_s", JsonKind::integer, true, 1, kDurationMaxS},
    {"updated_at", JsonKind::text, true},
    {"session_id", JsonKind::text, false, 0, kSessionIdBytesMax},
    {"state", JsonKind::text, false},
}};

using Values = std::array<JsonValue, kSlots>;

Rejection violation(Slot slot, std::string text) {
  return {message::ErrorType::schema_violation, std::string(kFields[slot].name), std::move(text)};
}

std::optional<Rejection> take_item(const Values& values, Progress& out) {
  const std::string_view media = values[kMediaType].text;
  if (media == "movie") {
    out.media_type = MediaType::movie;
  } else if (media == "tv") {
    out.media_type = MediaType::tv;
  } else {
    return violation(kMediaType, "is neither movie nor tv");
  }
  for (const Slot slot : {kSeason, kEpisode}) {
    if (out.media_type == MediaType::tv && !values[slot].present)
      return violation(slot, "is missing, tv needs it");
    if (out.media_type == MediaType::movie && values[slot].integer != 0)
      return violation(slot, "is not 0, and a movie has none");
  }
  out.user_id = values[kUserId].integer;
  out.tmdb_id = static_cast<std::int32_t>(values[kTmdbId].integer);
  out.season = static_cast<std::int16_t>(values[kSeason].integer);
  out.episode = static_cast<std::int16_t>(values[kEpisode].integer);
  return std::nullopt;
}

std::optional<Rejection> take_position(const Values& values, Progress& out) {
  const std::int64_t position = values[kPositionS].integer;
  const std::int64_t duration = values[kDurationS].integer;
  if (position > duration)
    return violation(
        kPositionS, std::to_string(position) + " is beyond duration_s " + std::to_string(duration));
  out.position_s = static_cast<std::int32_t>(position);
  out.duration_s = static_cast<std::int32_t>(duration);
  return std::nullopt;
}

std::optional<Rejection> take_time(const Values& values, base::EpochMicros now, Progress& out) {
  const auto time = base::parse_rfc3339(values[kUpdatedAt].text);
  if (!time) return violation(kUpdatedAt, "is not an RFC 3339 date-time");
  if (*time < kUpdatedAtMin) return violation(kUpdatedAt, "is before the year 2000");
  if (*time > now + kFutureMax) return violation(kUpdatedAt, "is more than 24 h in the future");
  out.updated_at = *time;
  return std::nullopt;
}

std::optional<Rejection> take_state(const Values& values, Progress& out) {
  if (!values[kState].present) return std::nullopt;
  for (const State state : {State::progress, State::start, State::stop}) {
    if (values[kState].text != to_string(state)) continue;
    out.state = state;
    return std::nullopt;
  }
  return violation(kState, "is none of start, progress, stop");
}

}  // namespace

std::string_view to_string(MediaType type) {
  return type == MediaType::movie ? "movie" : "tv";
}

std::string_view to_string(State state) {
  switch (state) {
    case State::none:
      return "";
    case State::progress:
      return "progress";
    case State::start:
      return "start";
    case State::stop:
      return "stop";
  }
  return "";
}

bool completes(const Progress& progress, int percent) {
  return std::int64_t{progress.position_s} * 100 >= std::int64_t{progress.duration_s} * percent;
}

std::variant<Progress, Rejection> Decoder::decode(std::string_view data, base::EpochMicros now) {
  Values values;
  if (auto rejection = json_.read(data, kFields, values)) return std::move(*rejection);
  Progress progress;
  if (auto rejection = take_item(values, progress)) return std::move(*rejection);
  if (auto rejection = take_position(values, progress)) return std::move(*rejection);
  if (auto rejection = take_time(values, now, progress)) return std::move(*rejection);
  if (auto rejection = take_state(values, progress)) return std::move(*rejection);
  progress.session_id = values[kSessionId].text;
  return progress;
}

}  // namespace spool::progress_events
