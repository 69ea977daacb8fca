// The statements of settle_operations(). Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_cache.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/list_operations/status.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::list_operations {

// An operation with its list, before it is settled.
struct SettledRow {
  base::Uuid id = {};
  OperationStatus status = OperationStatus::pending;
  Change change = {};
  std::int64_t list_id = 0;
  std::int32_t tmdb_user_id = 0;
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
  ListState list = {};  // without its movies
  base::EpochMicros now = 0;
};

// How the row of an operation changes.
struct Verdict {
  base::Uuid id = {};
  const handler::Settling* settling = nullptr;
  std::optional<OperationStatus> status = {};  // absent: it stays what it is
  std::string reason = {};
  std::string result = {};
  std::string details = {};  // JSON
};

class SettlementStore {
 public:
  explicit SettlementStore(postgres::Transaction& transaction) : transaction_(transaction) {}

  // Index by index; empty: there is no row. Nobody else changes the lists until the commit.
  base::Result<std::vector<std::optional<SettledRow>>> read(
      std::span<const handler::Settling> settlings);

  // Of each operation of which TMDB said that its user's login is over: whose login was active
  // until now, and not stored since the call began.
  base::Result<std::set<std::int32_t>> expire(std::span<const base::Uuid> operations);

  base::Status write(std::span<const Verdict> verdicts);

  base::Status prioritize(const std::map<base::Uuid, std::int16_t>& priorities);

  // These lists (the mirror's ids) are not being read any more: whether that has failed.
  base::Status end_reading(const std::map<std::int64_t, bool>& lists);

  base::Status changed(const ChangedLists& lists);

 private:
  postgres::Transaction& transaction_;
  Decoder decoder_;
};

}  // namespace spool::list_operations
