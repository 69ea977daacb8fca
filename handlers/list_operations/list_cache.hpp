// Lists as they are shown, read through copies of them (media.list_cache): what a copy saves is the
// computation of shown_lists and shown_list_items. On the caller's connection or transaction and
// its thread; transactions are read committed, as everywhere.
//
// No reader sees a copy that is older than what was committed before it began:
// - Whoever changes what is shown calls changed() in the same transaction. It makes the version of
//   each list grow and drops its copy, and it holds the row until the commit, also if there was no
//   row. So a change and its new version become visible together, or neither does.
// - A copy is computed and stored by one statement. Its snapshot has the version and the data of
//   one moment; no row stands for version 0. It stores only if the newest version of the row is the
//   one it has read. PostgreSQL looks at that with the row locked: it waits for a writer who has
//   it.
// - A writer whose version was in the snapshot had its data there too. One who comes to the row
//   before the copy does has made the version grow: nothing is stored. One who comes after it drops
//   the copy, which until that commit was what everybody else sees as well.
// A row is not removed while its list is there, so no version is given twice. While workers of a
// release without changed() still run, a copy may be as old as it may live (`ttl`).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "handlers/list_operations/list_query.hpp"

namespace spool::postgres {
class Connection;
class Transaction;
}  // namespace spool::postgres

namespace spool::list_operations {

struct CacheSettings {
  std::chrono::milliseconds ttl{0};               // how long a copy may be given out; 0: none is
  std::chrono::milliseconds refresh_interval{0};  // what is older at TMDB is stale; 0: nothing is
};

struct ReadList {
  ListInfo info = {};
  std::vector<ListItem> items = {};
  bool cached = false;  // from its copy
  // What is known of it was read from TMDB too long ago. That is asked for (refresh_duty.hpp).
  bool stale = false;
};

// The mirror's ids; whether it is because the list was read, or is going to be: nobody needs to ask
// for that any more.
using ChangedLists = std::map<std::int64_t, bool>;

base::Status changed(postgres::Transaction& transaction, const ChangedLists& lists);

// Empty: there is no such list any more. `past_cache`: computed, and not counted. What a copy needs
// besides, a row that cannot be written, fails no reading.
base::Result<std::optional<ReadList>> read_list(postgres::Connection& connection, std::int64_t row,
                                                const CacheSettings& settings,
                                                bool past_cache = false);

// Computes and stores copies of these, as far as nobody changes them meanwhile: how many.
base::Result<std::int64_t> fill_copies(postgres::Transaction& transaction,
                                       std::span<const std::int64_t> rows,
                                       std::chrono::milliseconds ttl);

struct CacheDay {
  std::string day = {};  // "2024-05-01", UTC
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t stale = 0;
};

struct CacheState {
  std::int64_t entries = 0;  // lists with a row
  std::int64_t in_use = 0;   // that were read lately
  std::int64_t filled = 0;   // that have a copy which may be given out
  std::int64_t bytes = 0;    // of all copies, as they are stored
  std::int64_t refreshes_wanted = 0;
  std::vector<CacheDay> days = {};  // the newest first
};

base::Result<CacheState> cache_state(postgres::Connection& connection, std::int64_t days);

}  // namespace spool::list_operations
