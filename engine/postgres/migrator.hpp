// Brings a database to a version of the schema and back. One migrator works at a time (an advisory
// lock of the session, held for the whole run); each migration is one transaction together with its
// row in spool.schema_migrations. Uses its connection alone; the connection should have no
// statement timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/postgres/migration.hpp"

namespace spool::postgres {

// One migration as program and database know it.
struct MigrationStatus {
  std::string line;
  int version = 0;
  std::string title;
  bool known = false;                     // this program carries it
  std::optional<std::string> applied_at;  // RFC 3339; empty: pending
  std::string applied_checksum;
  std::int64_t took_ms = 0;
};

// A migration that was run, or in a dry run would be.
struct MigrationStep {
  std::string line;
  int version = 0;
  std::string title;
  std::string sql;
  std::int64_t took_ms = 0;
};

struct MigrateUp {
  std::string line = {};          // empty: all lines
  std::optional<int> to = {};     // highest version, per line
  std::optional<int> steps = {};  // at most so many in all
  bool dry_run = false;
};

struct MigrateDown {
  std::string line = {};
  int steps = 1;
  bool dry_run = false;
};

class Migrator {
 public:
  // `lock_deadline`: how long to wait for another migrator.
  Migrator(Connection& connection, std::vector<Migration> migrations,
           std::chrono::milliseconds lock_deadline);

  // By line, then version: what the program carries and what the database has.
  base::Result<std::vector<MigrationStatus>> status();

  // Stops at the first failure; what was done before stays.
  base::Result<std::vector<MigrationStep>> up(const MigrateUp& request);
  base::Result<std::vector<MigrationStep>> down(const MigrateDown& request);

  // What is wrong, for people; empty if nothing is: changed migrations, unknown ones, gaps.
  base::Result<std::vector<std::string>> validate();

  // A worker runs on the schema that it knows and on the next one, so that either may be rolled out
  // first. Anything else: `schema`, with what to do.
  base::Status compatibility();

 private:
  base::Result<std::vector<MigrationStatus>> applied();
  base::Status lock();
  base::Status unlock();
  base::Failure lock_refused(const base::Failure& failure);
  base::Result<std::vector<MigrationStep>> run_up(const MigrateUp& request);
  base::Result<std::vector<MigrationStep>> run_down(const MigrateDown& request);
  base::Result<std::int64_t> apply(const Migration& migration);
  base::Result<std::int64_t> revert(const Migration& migration);

  Connection& connection_;
  std::vector<Migration> migrations_;
  std::chrono::milliseconds lock_deadline_;
};

}  // namespace spool::postgres
