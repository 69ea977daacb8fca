// Who changed what by hand, and why: rows of spool.audit_log, written in the transaction of the
// change itself. Each call is one statement on the caller's connection and thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

// Whoever asks for a change.
struct Operator {
  std::string actor;
  std::string reason;
};

struct AuditEntry {
  std::string action;  // "replay.start", "dead_letter.edit"
  std::optional<std::string> handler = {};
  std::string subject;  // what was changed: an id, a topic
  std::string detail_json = "{}";
};

struct AuditRow {
  std::int64_t number = 0;  // in the order of writing
  base::EpochMicros at = 0;
  std::string actor;
  std::string action;
  std::optional<std::string> handler;
  std::string subject;
  std::string reason;
  std::string detail_json;
};

struct AuditFilter {
  std::optional<std::string> handler = {};
  std::optional<std::string> actor = {};
  std::optional<std::string> action = {};  // '*' stands for anything
  std::optional<std::string> subject = {};
  std::int64_t limit = 50;
  std::optional<std::int64_t> before = {};  // the number of the last row of the page before
};

struct AuditPage {
  std::vector<AuditRow> rows;  // newest first
  std::optional<std::int64_t> next;
};

// A transaction that survives a crash once it is committed, whatever the session's default is.
base::Result<std::unique_ptr<postgres::Transaction>> begin_durable(
    postgres::Connection& connection);

base::Status write_audit(postgres::Transaction& transaction, const Operator& who,
                         const AuditEntry& entry);

base::Result<AuditPage> list_audit(postgres::Connection& connection, const AuditFilter& filter);

}  // namespace spool::store
