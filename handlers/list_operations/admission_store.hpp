// The statements of admission: what is known of events, the lists that they name, what waits there,
// and the rows that are written; one statement each for all events of a batch. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/message/identity.hpp"
#include "handlers/list_operations/list_cache.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/list_operations/operation.hpp"
#include "handlers/list_operations/status.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::list_operations {

// The row that an event has already.
struct KnownRow {
  base::Uuid id = {};
  std::int64_t list = 0;
  std::int32_t life = 0;
  OperationStatus status = OperationStatus::pending;
  bool begun = false;
  Change change = {};  // with what was merged into it
  std::int32_t priority = kPriorityDefault;
};

struct KnownEvent {
  std::optional<KnownRow> row = {};
  bool removed = false;   // only its tombstone is left
  bool id_taken = false;  // its uuid is that of another source's event
};

// How events name a list: exactly one of both.
struct ListName {
  std::optional<std::int32_t> tmdb_list_id = {};
  std::int32_t tmdb_user_id = 0;
  std::optional<base::Uuid> list_ref = {};
  // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
  friend auto operator<=>(const ListName&, const ListName&) = default;
};

// A list of the mirror, without its movies.
struct ListRow {
  std::int64_t id = 0;
  std::int32_t tmdb_user_id = 0;
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
  ListState state = {};
};

// An operation that may be merged with new ones.
struct WaitingRow {
  std::int64_t list = 0;
  base::Uuid id = {};
  message::Identity event = {};
  Change change = {};
  bool begun = false;
  std::int32_t priority = kPriorityDefault;
};

// What is to be known of a list's waiting operations: a clear or a delete concerns all of them,
// everything else only those of the same movies and those of no movie.
struct WaitingQuery {
  std::map<std::int64_t, bool> lists = {};  // whether all are wanted
  std::set<std::int32_t> movies = {};
  std::set<base::Uuid> without = {};  // rows that are about to be admitted again
};

struct NewRow {
  base::Uuid id = {};
  message::Identity event = {};
  std::int64_t list = 0;
  Operation operation = {};  // its change and its priority as they were merged
  std::int32_t life = 0;
  bool scheduled = false;
  std::string reason = {};  // not empty: it is completed already
  std::string correlation_id = {};
  bool in_doubt = false;
};

struct SwallowedRow {
  base::Uuid id = {};
  std::string reason = {};
  bool begun = false;
};

struct AdmissionRows {
  std::vector<NewRow> admitted = {};
  std::vector<SwallowedRow> swallowed = {};
  std::vector<std::int64_t> over = {};  // lists that will never be created
};

class AdmissionStore {
 public:
  explicit AdmissionStore(postgres::Transaction& transaction) : transaction_(transaction) {}

  base::Result<std::vector<KnownEvent>> find_known(std::span<const message::Identity> events);

  // Each of them; those that the mirror does not know yet are made.
  base::Result<std::map<ListName, ListRow>> lists(const std::set<ListName>& names);

  // Those of these (list, movie) that are confirmed, in the order of adding.
  base::Result<std::vector<std::pair<std::int64_t, std::int32_t>>> confirmed(
      const std::set<std::pair<std::int64_t, std::int32_t>>& items);

  // By list, in their order, those that have begun first.
  base::Result<std::vector<WaitingRow>> waiting(const WaitingQuery& query);

  // In the order of `admitted`. How many rows.
  base::Result<std::int64_t> write(const AdmissionRows& rows);

  base::Status changed(const ChangedLists& lists);

 private:
  postgres::Transaction& transaction_;
  Decoder decoder_;
};

}  // namespace spool::list_operations
