// Handlers as operators see them: what was decided of each, which workers act on it, and deciding
// anew. A decision is one durable transaction with its audit row, and wakes the workers. Used by
// the caller's thread on its connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/audit_log.hpp"

namespace spool::store {

struct HandlerInfo {
  std::string handler;
  std::string topic;  // empty: no worker has had a lane of it yet
  bool paused = false;
  std::optional<base::EpochMicros> until = {};  // of a pause that ends by itself
  std::string reason = {};                      // of the last decision; empty: there was none
  std::string actor = {};
  std::int64_t version = 0;
  std::optional<base::EpochMicros> changed_at = {};
  std::int64_t lanes = 0;
  std::int64_t open_events = 0;
  std::int64_t workers = 0;  // that may live
  std::int64_t workers_acknowledged = 0;
};

// A worker that serves the handler or has lanes of it.
struct HandlerWorker {
  std::string owner;
  std::int64_t lanes = 0;               // that it has not let go of
  std::optional<std::int64_t> version;  // that it acts on; empty: it has never said
  std::optional<base::EpochMicros> seen_at;
  bool live = false;  // its session is there, or it has lanes and was heard of lately
};

// Every handler that the database knows of, or one, which may be empty then.
base::Result<std::vector<HandlerInfo>> list_handlers(postgres::Connection& connection,
                                                     const std::optional<std::string>& handler);

// Those that live first.
base::Result<std::vector<HandlerWorker>> handler_workers(postgres::Connection& connection,
                                                         const std::string& handler);

// Whether the handler exists is for the caller to know. A pause that stands already is decided
// anew, with another end. The decision's version.
base::Result<std::int64_t> pause_handler(postgres::Connection& connection,
                                         const std::string& handler,
                                         const std::optional<std::chrono::milliseconds>& duration,
                                         const Operator& who);
// Fails with `conflict` if it is not paused.
base::Result<std::int64_t> resume_handler(postgres::Connection& connection,
                                          const std::string& handler, const Operator& who);

}  // namespace spool::store
