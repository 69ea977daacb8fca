// A transaction as handlers and stores see it. Begun by a Connection, which outlives it; one at a
// time on each connection, used by the connection's thread. Every failure is a value. After a
// failed statement everything but rollback_to_savepoint() fails the same way, commit() too.
// Destroying it without commit() rolls back.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/postgres/params.hpp"
#include "engine/postgres/rows.hpp"

namespace spool::postgres {

// A statement with its parameters as $1, $2...; prepared on a connection at its first use there
// (one more round trip, once). Names are unique in the program.
struct Statement {
  const char* name;
  const char* text;
};

class Transaction {
 public:
  struct Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  base::Result<Rows> execute(const Statement& statement, Params params = {});

  // Any number of statements without parameters, in one round trip: migrations, SET LOCAL.
  base::Status execute_script(std::string_view text);

  // Savepoints stack: rolling back and releasing mean the newest; rolling back keeps it.
  base::Status savepoint();
  base::Status rollback_to_savepoint();
  base::Status release_savepoint();

  // `in_doubt` when the connection was lost before the answer came.
  base::Status commit();

  // The failure that made this transaction useless, until rollback_to_savepoint().
  const std::optional<base::Failure>& failed() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::postgres
