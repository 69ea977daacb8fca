// The programs that are compared, each on a topic and a database: how to start them, and how far
// they have come.
#pragma once

#include <memory>
#include <string>

#include "engine/postgres/connection.hpp"
#include "tests/bench/backlog.hpp"
#include "tests/bench/child_process.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::bench {

enum class Kind { worker, loop, deep_loop };
const char* to_string(Kind kind);

struct Means {
  std::int64_t prefetch_bytes = 20LL << 20;  // the worker's default; the deep loop has its own
  std::int64_t connections = 2;              // and threads that work on them
  std::string worker = SPOOL_PROGRAM;        // its path
  std::string log;                           // the programs' output is appended to it
};

// Serves until it is told to end; with `until_end` a loop ends at the end of the topic.
std::unique_ptr<ChildProcess> start(Kind kind, const Backlog& backlog,
                                    const test::PgDatabase& database, const Means& means,
                                    bool until_end);

struct Position {
  std::int64_t lanes = 0;        // partitions that were taken
  std::int64_t next_offset = 0;  // sum of what is committed
  double seconds = 0;            // since the first lane was taken, by the database's clock
};

// Asked every few milliseconds over one connection: the same cheap statement for all.
Position position(Kind kind, postgres::Connection& connection);

}  // namespace spool::bench
