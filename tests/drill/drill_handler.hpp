// Handlers whose events say themselves how they fail. They write one row per applied event into
// drill.effects, which the test makes in its database. Never part of the product.
//   drill         ledger: its rows are unique on (source, id)
//   drill_inbox   inbox: the table would take an event twice
//   drill_flaky   ledger, and depends on the service "flaky", which is down while the file that
//                 DRILL_DOWN names exists: then every attempt fails
#pragma once

#include <vector>

#include "engine/handler/handler.hpp"

namespace spool::drill {

inline constexpr const char* kEventType = "drill.v1";
inline constexpr const char* kDependency = "flaky";

std::vector<handler::Handler> drill_handlers();

}  // namespace spool::drill
