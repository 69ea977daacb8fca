// The statements of open_turns(): what is read of the operations whose turn has come, and how they
// are marked. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_call.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/list_operations/status.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::list_operations {

// An operation with its list, its user's login, and what became of the list's creation.
struct TurnRow {
  base::Uuid id = {};
  OperationStatus status = OperationStatus::pending;
  std::int32_t life = 0;
  bool scheduled = false;
  Change change = {};
  std::string correlation_id = {};
  base::EpochMicros begun_at = 0;
  base::EpochMicros doubted_at = 0;
  std::int32_t tmdb_user_id = 0;
  std::optional<std::int32_t> tmdb_list_id = {};
  ListState list = {};             // without its movies
  std::optional<bool> login = {};  // whether it is active; absent: there is none
  std::string sealed = {};
  std::string create_status = {};  // of a list that was never created; empty: nobody has asked
  std::string create_error = {};
  base::EpochMicros now = 0;
};

// A row that is marked as begun, or as asked about.
struct Mark {
  base::Uuid id = {};
  bool in_doubt = false;
};

class TurnsStore {
 public:
  explicit TurnsStore(postgres::Transaction& transaction) : transaction_(transaction) {}

  // Index by index; empty: there is no row.
  base::Result<std::vector<std::optional<TurnRow>>> read(std::span<const handler::Turn> turns);

  // Failed operations whose dead letters have come back to life where they were: they are pending.
  base::Status revive(const std::map<base::Uuid, std::int32_t>& lives);

  // What may tell whether a call has had its effect, of each of these operations.
  base::Result<std::map<base::Uuid, CallDoubt>> doubts(std::span<const base::Uuid> operations);

  base::Status mark(std::span<const Mark> marks);

  // The lists of these refreshes say that they are being read.
  base::Status mark_running(std::span<const base::Uuid> refreshes);

 private:
  postgres::Transaction& transaction_;
  Decoder decoder_;
};

}  // namespace spool::list_operations
