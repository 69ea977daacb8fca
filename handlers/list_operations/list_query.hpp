// What is read of the users' lists: what was confirmed (media.lists, media.user_list_items), and
// what users see of it with their unfinished operations (media.shown_lists, shown_list_items). On
// the caller's connection and thread. Times in microseconds since the epoch, 0: none.
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

namespace spool::list_operations {

// What a list says of itself; empty: not known.
struct ListWords {
  std::string existence = {};
  std::optional<std::string> name = {};
  std::optional<std::string> description = {};
  std::optional<bool> is_public = {};
  std::optional<std::string> language = {};
  bool complete = false;    // no other movie is on it
  std::int64_t movies = 0;  // how many are on it
};

struct ListInfo {
  std::int64_t row = 0;  // the mirror's own id
  std::int32_t user = 0;
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
  ListWords shown = {};
  ListWords confirmed = {};
  std::string mark = {};                  // settled, creating, deleting
  std::vector<std::string> pending = {};  // which fields an unfinished update sets
  std::int64_t operations = 0;            // that are unfinished
  std::string sharing_url = {};
  std::string sync_status = {};
  base::EpochMicros last_synced_at = 0;
};

struct ListItem {
  std::int32_t movie_id = 0;
  std::string mark = {};  // settled, adding, removing
  bool confirmed = false;
  base::EpochMicros added_at = 0;
};

struct ListPage {
  std::vector<ListInfo> lists = {};
  std::string next = {};  // empty: the last page
};

// A list as people name it: one of both.
struct ListId {
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
};

// A number or a uuid; fails with `invalid`. `what`: where it stands, "--list".
base::Result<ListId> parse_list_id(const std::string& text, const std::string& what);

// The user's lists in the order in which they became known. `all`: those that are deleted or were
// never created too. Fails with `invalid` if the cursor is none.
base::Result<ListPage> lists_of_user(postgres::Connection& connection, std::int32_t user, bool all,
                                     std::int64_t limit, const std::string& cursor);

// Several users may have chosen the same ref.
base::Result<std::vector<ListInfo>> find_lists(postgres::Connection& connection, const ListId& id,
                                               std::optional<std::int32_t> user);

// The same as the mirror's own ids.
base::Result<std::vector<std::int64_t>> find_list_rows(postgres::Connection& connection,
                                                       const ListId& id,
                                                       std::optional<std::int32_t> user);

// In their order, as they are shown.
base::Result<std::vector<ListItem>> list_items(postgres::Connection& connection, std::int64_t row,
                                               std::int64_t limit);

}  // namespace spool::list_operations
