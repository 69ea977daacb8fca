// Confirms in the mirror what was carried out: what list_state.hpp makes of it, written with one
// statement for each table. Used once, by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/base/result.hpp"
#include "handlers/list_operations/list_state.hpp"

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

  // How many rows.
  base::Result<std::int64_t> write();

 private:
  struct List {
    std::int32_t tmdb_user_id = 0;
    ListState before = {};
    ListState after = {};
    std::vector<Change> changes = {};
    std::optional<std::int32_t> created = {};
    bool emptied = false;
  };
  using Lists = std::map<std::int64_t, List>;

  base::Status load();
  static void confirm_all(Lists& lists);
  base::Status claim();
  base::Result<std::int64_t> write(const Lists& lists);
  base::Result<std::int64_t> write_items(const Lists& lists);

  postgres::Transaction& transaction_;
  Lists lists_;
  Lists created_;  // those that have come to be
};

}  // namespace spool::list_operations
