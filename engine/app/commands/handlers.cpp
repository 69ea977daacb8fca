// Handlers to look at: whether each runs or is paused, and who acts on that.
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/handler_state.hpp"
#include "engine/app/operator_change.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/store/duty_book.hpp"

namespace spool::app {
namespace {

int list(CommandContext& context) {
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto handlers = all_handlers(context, **connection);
  if (!handlers) return context.fail(handlers.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::HandlerInfo& one : *handlers) {
    rows.push_back({one.handler, one.topic.empty() ? Cell() : Cell(one.topic), one.paused,
                    one.until ? Cell(Time{*one.until}) : Cell(),
                    one.reason.empty() ? Cell() : Cell(one.reason), one.lanes, one.open_events,
                    one.workers, one.workers_acknowledged});
  }
  context.output().list(
      {"handler", "topic", "paused", "until", "reason", "lanes", "open", "workers", "acknowledged"},
      rows, "there are no handlers");
  return kOk;
}

int show(CommandContext& context) {
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  auto state = look_at_handler(context, **connection, context.arguments().get_or("NAME", ""));
  if (!state) return context.fail(state.failure());
  auto duties = store::handler_duties(**connection, state->info.handler);
  if (!duties) return context.fail(duties.failure());
  state->duties = std::move(*duties);
  show_handler(context, *state);
  note_silent_workers(context, *state);
  return kOk;
}

int process_now(CommandContext& context) {
  const std::string name = context.arguments().get_or("NAME", "");
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto state = look_at_handler(context, **connection, name);
  if (!state) return context.fail(state.failure());
  if (state->info.paused) {
    return context.fail(kConflict, "handler " + name +
                                       " is paused, nothing would come of it: spool handlers "
                                       "resume " +
                                       name);
  }
  return give_and_finish(context, **connection,
                         {{delivery::CommandKind::retry_now, {.handler = name}, 0}, ""});
}

}  // namespace

std::vector<Command> handlers_commands() {
  return {
      {.path = "handlers",
       .help = "Handlers: one kind of work each, with its topic; pause and resume them",
       .footer = "A handler that is paused takes in what arrives and has no effect."},
      {.path = "handlers list",
       .help = "Every handler: whether it is paused, what it holds, how many workers act on that",
       .footer = "`reason` is of the last decision about it. `acknowledged`: of the workers that "
                 "live, those that\nact on it.\n"
                 "Example:\n  spool handlers list",
       .run = list},
      {.path = "handlers show",
       .help = "One handler, with its workers and what it does by the clock",
       .positionals = {{"NAME", "The handler"}},
       .footer = "Example:\n  spool handlers show progress_events",
       .run = show},
      {.path = "handlers process-now",
       .help = "Make everything that waits due at once, whatever its time",
       .positionals = {{"NAME", "The handler"}},
       .options = with(change_options(), {kWaitOption}),
       .footer =
           "As `retries now` for all that the handler holds.\n"
           "Exit codes: 3 not all within --wait, 4 no such handler or nothing waits, 5 it is "
           "paused.\n"
           "Example:\n  spool handlers process-now progress_events --reason 'service is back'",
       .run = process_now},
  };
}

}  // namespace spool::app
