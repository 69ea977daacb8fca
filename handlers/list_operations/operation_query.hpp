// What is read of media.queued_list_operations for users and operators, and which of the engine's
// events and dead letters stand behind operations. On the caller's connection and thread. Times in
// microseconds since the epoch, 0: none.
#pragma once

#include <cstdint>
#include <map>
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

// Which operations are meant, all of it; nothing: every one.
struct OperationFilter {
  std::vector<base::Uuid> ids = {};
  std::optional<std::string> status = {};
  std::optional<std::int32_t> user = {};
  std::optional<std::int32_t> list = {};  // its id at TMDB
  std::optional<base::Uuid> list_ref = {};
  std::optional<std::string> type = {};
};

struct OperationInfo {
  base::Uuid id = {};
  std::string status = {};
  std::string type = {};
  std::int32_t user = 0;
  std::optional<std::int32_t> tmdb_list_id = {};  // by now, as the ref and the name
  std::optional<base::Uuid> list_ref = {};
  std::string list_name = {};
  std::string data = {};  // JSON
  bool scheduled = false;
  std::int32_t retry_count = 0;
  std::int32_t life = 0;
  std::int32_t priority = 0;
  base::EpochMicros inserted_at = 0;
  base::EpochMicros updated_at = 0;
  base::EpochMicros scheduled_for = 0;
  base::EpochMicros begun_at = 0;
  base::EpochMicros doubted_at = 0;
  base::EpochMicros last_retry_at = 0;
  base::EpochMicros next_attempt_at = 0;
  base::EpochMicros finished_at = 0;
  std::string error_type = {};
  std::string error_message = {};
  std::string reason = {};
  std::string result = {};
  std::string source = {};
  std::string event_id = {};
  std::string correlation_id = {};
  bool logged_in = false;  // its user, at TMDB
};

struct OperationPage {
  std::vector<OperationInfo> operations = {};
  std::string next = {};  // empty: the last page
};

// What the engine has of an operation, besides.
struct OperationDetail {
  OperationInfo info = {};
  std::string open_event = {};  // as `spool retries list` shows it
  std::string open_state = {};
  std::optional<std::int64_t> attempts = {};  // in this life
  std::optional<base::Uuid> dead_letter = {};
  std::string details = {};  // JSON: what a refresh_list has found
};

struct OperationStats {
  std::int64_t pending = 0;
  std::int64_t processing = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t total = 0;
  // Of the pending ones:
  std::int64_t waiting_for_session = 0;
  std::int64_t scheduled = 0;
};

// An operation that is neither finished nor dead.
struct OpenOperation {
  base::Uuid id = {};
  std::int32_t partition = 0;
  std::int64_t number = 0;  // in its lane
  bool waits = false;       // for its time or its next attempt, not behind another one
  bool begun = false;
};

struct FailedOperation {
  base::Uuid id = {};
  base::Uuid dead_letter = {};
};

base::Result<OperationStats> count_operations(postgres::Connection& connection,
                                              std::optional<std::int32_t> user);

// Newest first; `cursor`: `next` of the page before. Fails with `invalid` if that is none.
base::Result<OperationPage> operation_page(postgres::Connection& connection,
                                           const OperationFilter& filter, std::int64_t limit,
                                           const std::string& cursor);

// Fails with `not_found`.
base::Result<OperationDetail> show_operation(postgres::Connection& connection,
                                             const base::Uuid& id);

// By id; those that are not there are left out.
base::Result<std::map<base::Uuid, std::string>> statuses(postgres::Connection& connection,
                                                         const std::vector<base::Uuid>& ids);

// In the order of their lanes.
base::Result<std::vector<OpenOperation>> find_open(postgres::Connection& connection,
                                                   const OperationFilter& filter,
                                                   std::int64_t limit);

// Those whose dead letter can be replayed, oldest first. `error`: of the error's type, where '*'
// stands for anything.
base::Result<std::vector<FailedOperation>> find_failed(postgres::Connection& connection,
                                                       const OperationFilter& filter,
                                                       const std::optional<std::string>& error,
                                                       std::int64_t limit);

// What a pending operation waits for: "time", "session", "attempt" or "turn"; empty otherwise.
std::string waits_for(const OperationInfo& operation);

}  // namespace spool::list_operations
