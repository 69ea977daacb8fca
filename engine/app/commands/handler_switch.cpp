// Pausing and resuming a handler: decided durably, then waited for until every worker acts on it.
#include <algorithm>
#include <chrono>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/handler_state.hpp"
#include "engine/app/interrupt.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/config/shape.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kWait{10'000};
constexpr milliseconds kFirstLook{20};
constexpr milliseconds kLook{250};
constexpr std::chrono::hours kPauseMax{24 * 365};

struct Asked {
  std::string handler;
  bool pause = false;
  std::optional<milliseconds> duration;  // of the pause
  milliseconds wait = kWait;
  bool dry = false;
  store::Operator who;
};

Result<Asked> read_asked(const Arguments& arguments, bool pause) {
  Asked asked;
  asked.handler = arguments.get_or("NAME", "");
  asked.pause = pause;
  if (const auto text = arguments.get("for")) {
    const auto value = config::parse(config::duration(milliseconds(1), kPauseMax), *text);
    if (!value) return Failure(FailureKind::invalid, "--for: " + value.failure().text);
    asked.duration = milliseconds(std::get<std::int64_t>(*value));
  }
  if (arguments.has("no-wait") && arguments.has("wait"))
    return Failure(FailureKind::invalid, "--wait or --no-wait, not both");
  if (arguments.has("wait")) {
    const auto wait = read_wait(arguments);
    if (!wait) return wait.failure();
    asked.wait = *wait;
  }
  if (arguments.has("no-wait")) asked.wait = milliseconds(0);
  asked.dry = arguments.has("dry-run");
  if (asked.dry) return asked;
  const auto who = read_operator(arguments);
  if (!who) return who.failure();
  asked.who = *who;
  return asked;
}

int show_dry(CommandContext& context, const Asked& asked, const HandlerState& state) {
  if (!asked.pause && !state.info.paused)
    return context.fail(kConflict, "handler " + asked.handler + " is not paused");
  context.output().record(
      {{"handler", asked.handler},
       {"before", std::string(state.info.paused ? "paused" : "running")},
       {"after", std::string(asked.pause ? "paused" : "running")},
       {"for_s", asked.duration ? Cell(std::int64_t{asked.duration->count() / 1000}) : Cell()},
       {"lanes", state.info.lanes},
       {"workers", state.info.workers}});
  context.note("nothing was done: --dry-run");
  return kOk;
}

struct Waited {
  HandlerState state;
  bool all = false;
  bool interrupted = false;
};

Result<Waited> wait_for_workers(CommandContext& context, postgres::Connection& connection,
                                const Asked& asked, std::int64_t version) {
  Interrupt interrupt;
  const auto begin = Clock::now();
  for (milliseconds pause = kFirstLook;; pause = std::min(kLook, pause * 2)) {
    auto state = look_at_handler(context, connection, asked.handler);
    if (!state) return state.failure();
    if (all_act_on(*state, version)) return Waited{std::move(*state), true, false};
    const auto left = std::chrono::ceil<milliseconds>(begin + asked.wait - Clock::now());
    if (left <= milliseconds(0)) return Waited{std::move(*state), false, false};
    if (interrupt.wait(std::min(pause, left))) return Waited{std::move(*state), false, true};
  }
}

int decide(CommandContext& context, bool pause) {
  const auto asked = read_asked(context.arguments(), pause);
  if (!asked) return context.fail(asked.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto before = look_at_handler(context, **connection, asked->handler);
  if (!before) return context.fail(before.failure());
  if (asked->dry) return show_dry(context, *asked, *before);
  const auto version =
      pause ? store::pause_handler(**connection, asked->handler, asked->duration, asked->who)
            : store::resume_handler(**connection, asked->handler, asked->who);
  if (!version) return context.fail(version.failure());
  const auto waited = wait_for_workers(context, **connection, *asked, *version);
  if (!waited) return context.fail(waited.failure());
  show_handler(context, waited->state);
  note_silent_workers(context, waited->state);
  if (waited->all) {
    if (waited->state.info.workers == 0) context.note("no worker serves it at the moment");
    return kOk;
  }
  context.note("it is decided; workers act on it as soon as they know. spool handlers show " +
               asked->handler);
  if (waited->interrupted) return kInterrupted;
  return asked->wait == milliseconds(0) ? kOk : kPartlyDone;
}

int pause(CommandContext& context) {
  return decide(context, true);
}

int resume(CommandContext& context) {
  return decide(context, false);
}

std::vector<Option> switch_options() {
  return with(change_options(),
              {{"--wait", "TIME", "How long to wait for the workers (default 10s)"},
               {"--no-wait", "", "Do not wait for them"}});
}

}  // namespace

std::vector<Command> handler_switch_commands() {
  return {
      {.path = "handlers pause",
       .help = "Let a handler have no effect until it is resumed",
       .positionals = {{"NAME", "The handler"}},
       .options =
           with({{"--for", "TIME", "Ends by itself after so long, such as 10m"}}, switch_options()),
       .footer =
           "Events go on to be read as far as there is room, and replays and retries to be asked "
           "for. Of a\nhandler that calls a service only the calls are paused: its events are "
           "accepted and shown.\nSurvives restarts. Waits until every worker that lives has "
           "ended what it had begun; one that\nis already paused is decided anew.\n"
           "Exit codes: 3 some worker has not acknowledged within --wait, 4 no such handler.\n"
           "Examples:\n  spool handlers pause progress_events --reason 'schema change' --for 10m\n"
           "  spool handlers pause progress_events --reason 'incident 7' --no-wait",
       .run = pause},
      {.path = "handlers resume",
       .help = "Let a handler that is paused go on",
       .positionals = {{"NAME", "The handler"}},
       .options = switch_options(),
       .footer =
           "Exit codes: 3 some worker has not acknowledged within --wait, 4 no such handler, 5 it "
           "is not\npaused.\n"
           "Example:\n  spool handlers resume progress_events --reason 'incident 7 is over'",
       .run = resume},
  };
}

}  // namespace spool::app
