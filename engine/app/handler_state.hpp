// A handler as the commands about it show it: what was decided, which workers act on it, what it
// does by the clock. For one command of the command line, on its thread and connection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/app/command_context.hpp"
#include "engine/store/duty_book.hpp"
#include "engine/store/handler_switches.hpp"

namespace spool::app {

struct HandlerState {
  store::HandlerInfo info;
  std::vector<store::HandlerWorker> workers;
  std::optional<std::vector<store::DutyInfo>> duties = {};  // if they are to be shown
};

// Every handler of the configuration and of the database, by name.
base::Result<std::vector<store::HandlerInfo>> all_handlers(CommandContext& context,
                                                           postgres::Connection& connection);

// Fails with `not_found` if neither the configuration nor the database knows it.
base::Result<HandlerState> look_at_handler(CommandContext& context,
                                           postgres::Connection& connection,
                                           const std::string& name);

// Whether the worker acts on that decision, or a later one.
bool acts_on(const store::HandlerWorker& worker, std::int64_t version);
// Whether every worker that lives does.
bool all_act_on(const HandlerState& state, std::int64_t version);

void show_handler(CommandContext& context, const HandlerState& state);
// Remarks on the workers that have lanes or live and do not act on what was decided last.
void note_silent_workers(CommandContext& context, const HandlerState& state);

}  // namespace spool::app
