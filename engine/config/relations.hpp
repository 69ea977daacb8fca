// What several keys must be together, checked after each alone is good. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/config/keys.hpp"
#include "engine/config/load.hpp"

namespace spool::config {

// One line for each relation that does not hold. Keys in `failed` have no usable value: what they
// are part of is not judged.
std::vector<std::string> broken_relations(const KeyTable& table, const Loaded& loaded,
                                          const std::set<std::string>& failed);

}  // namespace spool::config
