// The engine's own commands, one group a file. What each does stands in its help.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/app/command.hpp"

namespace spool::app {

// Of the positional PARTITION.
inline constexpr std::int64_t kPartitionMax = std::numeric_limits<std::int32_t>::max();

std::vector<Command> run_commands();
std::vector<Command> publish_commands();
std::vector<Command> migrate_commands();
std::vector<Command> topics_commands();
std::vector<Command> config_commands();
std::vector<Command> handlers_commands();
std::vector<Command> handler_switch_commands();
std::vector<Command> lanes_commands();
std::vector<Command> lane_loss_commands();
std::vector<Command> dlt_commands();
std::vector<Command> dlt_change_commands();
std::vector<Command> retries_commands();
std::vector<Command> replay_commands();
std::vector<Command> foreign_commands();
std::vector<Command> privacy_commands();
std::vector<Command> audit_commands();
std::vector<Command> health_commands();
std::vector<Command> version_commands();

// All of them, in the order of the help.
std::vector<Command> engine_commands();

}  // namespace spool::app
