// Keeps the copies of lists that are being read (list_cache.hpp) from running out, and lets go of
// those that nobody has read for an hour. When nothing is known of readers, at the first start and
// after a crash of the database, it takes the lists with operations in the last hour for those that
// are read. One of its kind; runs on the engine's thread.
#pragma once

#include <chrono>
#include <memory>

#include "engine/handler/duty.hpp"

namespace spool::list_operations {

// `ttl`: how long a copy may be given out; more than 0.
std::unique_ptr<handler::Duty> make_warm_duty(std::chrono::milliseconds ttl);

}  // namespace spool::list_operations
