// How the moving of local lists stands, for people. On the caller's connection and thread. Times in
// microseconds since the epoch, 0: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"

namespace spool::postgres {
class Connection;
}

namespace spool::local_lists {

struct MigrationInfo {
  base::Uuid id = {};
  std::int32_t user = 0;
  std::string state = {};
  bool logged_in = false;  // the user, at TMDB: nothing is asked for otherwise
  std::int64_t lists = 0;
  std::int64_t lists_done = 0;
  std::int64_t lists_failed = 0;
  std::int64_t movies = 0;
  std::int64_t movies_done = 0;
  std::int64_t waiting = 0;  // operations
  std::string problem = {};
  base::EpochMicros created_at = 0;
  base::EpochMicros updated_at = 0;
  base::EpochMicros finished_at = 0;
};

struct MigrationFilter {
  std::optional<std::int32_t> user = {};
  std::optional<std::string> state = {};
};

struct MigrationPage {
  std::vector<MigrationInfo> migrations = {};
  std::string next = {};  // empty: the last page
};

struct MovedListInfo {
  base::Uuid list = {};
  base::Uuid list_ref = {};
  std::string name = {};  // of the local list; empty: it is gone
  std::string state = {};
  std::int64_t expected = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t checks = 0;
  base::EpochMicros checked_at = 0;
  std::string problem = {};
};

// Newest first; `cursor`: `next` of the page before. Fails with `invalid` if that is none.
base::Result<MigrationPage> migration_page(postgres::Connection& connection,
                                           const MigrationFilter& filter, std::int64_t limit,
                                           const std::string& cursor);

// In their order.
base::Result<std::vector<MovedListInfo>> moved_lists(postgres::Connection& connection,
                                                     const base::Uuid& migration);

}  // namespace spool::local_lists
