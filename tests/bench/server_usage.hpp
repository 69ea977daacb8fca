// Processor time of the database server: of the postmaster, its living children and those that it
// has reaped.
#pragma once

#include <sys/types.h>

#include "tests/support/pg_database.hpp"

namespace spool::bench {

// Of the server on this machine that has this database.
pid_t postmaster(const test::PgDatabase& database);

double server_cpu_seconds(pid_t postmaster);

}  // namespace spool::bench
