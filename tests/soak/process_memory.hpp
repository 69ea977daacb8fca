// The most memory that a process has had so far, by the kernel's high-water mark; 0 once it has
// ended. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace spool::soak {

std::int64_t peak_rss_kb(pid_t pid);

}  // namespace spool::soak
