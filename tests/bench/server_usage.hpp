// Processor time of the database server: of the postmaster, its living children and those that it
// has reaped.
#pragma once

#include <sys/types.h>

namespace spool::bench {

double server_cpu_seconds(pid_t postmaster);

}  // namespace spool::bench
