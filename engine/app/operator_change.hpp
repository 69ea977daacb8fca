// Asking lanes for a change, as every command does that does: look at what is meant, ask the
// person, give the commands, say what became of them. For one command of the command line, on its
// thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/app/command_context.hpp"
#include "engine/store/operator_commands.hpp"

namespace spool::app {

struct Change {
  store::CommandRequest request;
  std::string question;  // "Discard"; empty: nobody is asked
};

// With --dry-run only what would be done. Else the commands, given durably; empty if the code below
// is the answer already.
struct Given {
  std::vector<store::GivenCommand> commands;
  int code = kOk;
};
Given give(CommandContext& context, postgres::Connection& connection, const Change& change);

// The same, and then waits for the end as --wait says.
int give_and_finish(CommandContext& context, postgres::Connection& connection,
                    const Change& change);

}  // namespace spool::app
