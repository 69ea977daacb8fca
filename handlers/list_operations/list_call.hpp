// A call to TMDB's lists: what the caller is given, read in the transaction that marks the
// operation as begun, and what it brings back for the tables. Values; times in microseconds since
// the epoch, by the database's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/tmdb/calls.hpp"

namespace spool::list_operations {

// What reconcile.hpp wants to know of an operation whose call may have had its effect.
struct CallDoubt {
  base::EpochMicros begun_at = 0;
  base::EpochMicros ended_at = 0;  // when its call was over at the latest
  base::EpochMicros now = 0;
  std::unordered_set<std::int32_t> later_adds = {};   // of clear_list: movies added behind it
  std::unordered_set<std::int32_t> known_lists = {};  // of create_list: ids of the user's others
  std::size_t rivals = 0;                             // likewise
  bool deleted_behind = false;  // likewise: a later operation deletes the list, and is in doubt too
};

struct ListCall final : handler::Call {
  base::Uuid operation = {};
  Change change = {};
  std::int32_t tmdb_user_id = 0;
  std::optional<std::int32_t> tmdb_list_id = {};  // but for create_list
  ListFields confirmed = {};                      // of the list, as far as they are known
  tmdb::Credentials credentials = {};
  std::string correlation_id = {};
  std::optional<CallDoubt> doubt = {};  // it is to be asked about
};

struct ListAnswer final : handler::Answer {
  std::optional<std::int32_t> tmdb_list_id = {};  // of a list that was created
  std::optional<ListState> fetched = {};          // of a refresh: as it stands there, or gone
  bool session_over = false;                      // TMDB does not know the user's login any more
  std::string note = {};                          // for people
};

}  // namespace spool::list_operations
