// Following commands that lanes carry out: until they end, time is up or Ctrl-C comes; the commands
// themselves go on in any case. For one command of the command line, on its thread and connection.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/app/command_context.hpp"
#include "engine/store/operator_commands.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::app {

enum class WatchEnd {
  ended,        // every command is finished or cancelled
  late,         // not all within the time
  interrupted,  // Ctrl-C
};

struct Watched {
  WatchEnd end = WatchEnd::ended;
  std::vector<store::CommandDetail> commands;  // as they were at last
};

// Shows how far they have come on a terminal. No limit: as long as it takes.
base::Result<Watched> watch_commands(CommandContext& context, postgres::Connection& connection,
                                     const std::vector<base::Uuid>& ids,
                                     std::optional<std::chrono::milliseconds> limit);

// Waits for what was given, says what became of it, and answers the exit code: 3 if a lane has not
// carried it out in time.
int finish_commands(CommandContext& context, postgres::Connection& connection,
                    const std::vector<store::GivenCommand>& given, std::chrono::milliseconds wait);

// A command in the words of the output.
Record command_record(const store::CommandInfo& command);
// "3 of 5 done, 1 skipped"
std::string progress_text(const store::CommandInfo& command);
// Why it is not done yet, lane by lane; empty if nothing stands in its way.
std::vector<std::string> hindrances(const store::CommandDetail& command);

}  // namespace spool::app
