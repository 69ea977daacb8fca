// Reads the users' lists again when what was read of them has become old: it publishes an operation
// for each that is due, which waits for its turn as any other; those that somebody looked at since
// they became old (list_cache.hpp) come first. Few enough at a time that they get
// in nobody's way, and none for users who would have to log in first. One of its kind; runs on the
// engine's thread.
#pragma once

#include <chrono>
#include <memory>

#include "engine/handler/duty.hpp"

namespace spool::list_operations {

// `interval`: how old; more than 0.
std::unique_ptr<handler::Duty> make_refresh_duty(std::chrono::milliseconds interval);

}  // namespace spool::list_operations
