// Confirms in the mirror what was carried out, and takes over what was read: what list_state.hpp
// and mirror.hpp make of it, written with one statement for each table, and only what changes. Used
// once, by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/base/result.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/list_operations/refresh.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::list_operations {

class MirrorStore {
 public:
  explicit MirrorStore(postgres::Transaction& transaction) : transaction_(transaction) {}

  // In the order in which they were carried out. `confirmed`: the list without its movies, as it
  // was before the first of its changes. `created`: TMDB's id of the list that was created.
  void add(std::int64_t list, std::int32_t tmdb_user_id, const ListState& confirmed,
           const Change& change, std::optional<std::int32_t> created);

  // The list was read. `fetched` must outlive the write; `number`: of the reading, for found().
  void add_refresh(std::size_t number, std::int64_t list, std::int32_t tmdb_user_id,
                   const ListState& confirmed, const Change& change, const ListState& fetched);

  // How many rows.
  base::Result<std::int64_t> write();

  // Lists that turned out to be one that was created, or not to be their users'.
  const std::vector<std::int64_t>& claimed() const { return claimed_; }

  // What the readings have shown, by their numbers; once written.
  const std::map<std::size_t, Refreshed>& found() const { return found_; }

 private:
  struct Step {
    Change change = {};
    const ListState* fetched = nullptr;  // of a reading, as is the next
    std::size_t number = 0;
  };
  struct List {
    std::int32_t tmdb_user_id = 0;
    ListState before = {};
    ListState after = {};
    std::vector<Step> steps = {};
    std::optional<std::int32_t> created = {};
    bool whole = false;    // all of its movies are wanted
    bool changes = false;  // its row is written
    bool synced = false;   // and says that it was read
    bool emptied = false;
  };
  using Lists = std::map<std::int64_t, List>;

  List& list_of(std::int64_t id, std::int32_t tmdb_user_id, const ListState& confirmed,
                bool created);

  base::Status load();
  void confirm_all(Lists& lists);
  void take_over(List& list, const Step& step);
  base::Status claim();
  base::Result<std::int64_t> write(const Lists& lists);
  base::Result<std::int64_t> write_items(const Lists& lists);

  postgres::Transaction& transaction_;
  Lists lists_;
  Lists created_;  // those that have come to be
  std::vector<std::int64_t> claimed_;
  std::map<std::size_t, Refreshed> found_;
};

}  // namespace spool::list_operations
