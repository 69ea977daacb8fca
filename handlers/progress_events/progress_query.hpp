// What is read of media.watch_progress, for people and for players. Any thread, in the caller's
// transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "handlers/progress_events/progress.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::progress_events {

struct Item {
  std::int64_t user_id = 0;
  MediaType media_type = MediaType::movie;
  std::int32_t tmdb_id = 0;
  std::int32_t season = 0;  // 0 for movies, likewise the episode
  std::int32_t episode = 0;
  friend bool operator==(const Item&, const Item&) = default;
};

struct WatchedItem {
  Item item;
  std::int32_t position_s = 0;
  std::int32_t duration_s = 0;
  base::EpochMicros updated_at = 0;
  std::optional<base::EpochMicros> completed_at;
  std::string session_id;  // empty if unknown, likewise the state
  std::string state;
};

// Where to go on with one item; empty if the user never began it.
base::Result<std::optional<WatchedItem>> resume_position(postgres::Transaction& transaction,
                                                         const Item& item);

// The titles that the user has begun and not seen to the end: of each movie or show what was
// watched last, if its position is beyond 0 and below `completed_percent` of its duration. Newest
// first.
base::Result<std::vector<WatchedItem>> continue_watching(postgres::Transaction& transaction,
                                                         std::int64_t user_id,
                                                         int completed_percent, int limit);

}  // namespace spool::progress_events
