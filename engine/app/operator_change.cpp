#include "engine/app/operator_change.hpp"

#include <map>

#include "engine/app/command_watch.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::app {
namespace {

using delivery::CommandKind;
using store::GivenCommand;

bool is_about_letters(CommandKind kind) {
  return kind == CommandKind::replay || kind == CommandKind::discard ||
         kind == CommandKind::restore;
}

std::int64_t matched(const std::vector<GivenCommand>& commands) {
  std::int64_t sum = 0;
  for (const GivenCommand& one : commands) sum += one.matched;
  return sum;
}

std::string events(CommandKind kind, std::int64_t count) {
  const std::string what = is_about_letters(kind) ? "dead letter" : "open event";
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// What is meant by the filter, whatever its state: "3 open, 2 replaying". Empty: nothing.
base::Result<std::string> found_instead(postgres::Connection& connection,
                                        const store::CommandRequest& request) {
  if (!is_about_letters(request.kind)) return std::string();
  store::EventFilter filter = request.filter;
  filter.state.reset();
  const auto plan = store::plan_replay(connection, filter);
  if (!plan) return plan.failure();
  std::map<std::string, std::int64_t> verdicts;
  for (const store::PlanRow& row : *plan)
    verdicts[row.verdict == "replay" ? "open" : row.verdict] += row.count;
  std::string text;
  for (const auto& [verdict, count] : verdicts)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
            (verdict == "no_lane" ? "of a partition that no worker has had" : verdict);
  return text;
}

int nothing(CommandContext& context, postgres::Connection& connection, const Change& change) {
  const auto found = found_instead(connection, change.request);
  if (!found) return context.fail(found.failure());
  if (found->empty())
    return context.fail(kNotFound, is_about_letters(change.request.kind)
                                       ? "no dead letter is meant by that"
                                       : "no open event is meant by that");
  return context.fail(kConflict, "there is nothing to " +
                                     std::string(store::to_string(change.request.kind)) +
                                     " among what is meant: " + *found);
}

void show_dry(CommandContext& context, const std::vector<GivenCommand>& commands) {
  std::vector<std::vector<Cell>> rows;
  rows.reserve(commands.size());
  for (const GivenCommand& one : commands) rows.push_back({one.handler, one.matched, one.lanes});
  context.output().list({"handler", "matched", "lanes"}, rows, "");
  context.note("nothing was done: --dry-run");
}

// Of ids that were named, those that the commands are not about.
void note_left_out(CommandContext& context, postgres::Connection& connection, const Change& change,
                   std::int64_t left_out) {
  const auto found = found_instead(connection, change.request);
  context.note(std::to_string(left_out) + " of the ids that were named: nothing to " +
               std::string(store::to_string(change.request.kind)) +
               (found && !found->empty() ? " (now: " + *found + ")" : ""));
}

Given failed(int code) {
  return {{}, code};
}

}  // namespace

Given give(CommandContext& context, postgres::Connection& connection, const Change& change) {
  const bool dry = context.arguments().has("dry-run");
  store::Operator who;
  if (!dry) {
    const auto read = read_operator(context.arguments());
    if (!read) return failed(context.fail(read.failure()));
    who = *read;
  }
  if (dry || !change.question.empty()) {
    const auto counted = store::count_commands(connection, change.request);
    if (!counted) return failed(context.fail(counted.failure()));
    if (counted->empty()) return failed(nothing(context, connection, change));
    if (dry) {
      show_dry(context, *counted);
      return {};
    }
    const auto yes = context.confirmed(change.question + " " +
                                       events(change.request.kind, matched(*counted)) + "?");
    if (!yes) return failed(context.fail(yes.failure()));
    if (!*yes) return failed(context.fail(kFailed, "nothing was done"));
  }
  auto commands = store::give_commands(connection, change.request, who);
  if (!commands) return failed(context.fail(commands.failure()));
  if (commands->empty()) return failed(nothing(context, connection, change));
  const auto named = static_cast<std::int64_t>(change.request.filter.ids.size());
  const std::int64_t left_out = named - matched(*commands);
  if (named > 0 && left_out > 0) note_left_out(context, connection, change, left_out);
  return {std::move(*commands), named > 0 && left_out > 0 ? kPartlyDone : kOk};
}

int give_and_finish(CommandContext& context, postgres::Connection& connection,
                    const Change& change) {
  const auto wait = read_wait(context.arguments());
  if (!wait) return context.fail(wait.failure());
  const Given given = give(context, connection, change);
  if (given.commands.empty()) return given.code;
  const int code = finish_commands(context, connection, given.commands, *wait);
  return code == kOk ? given.code : code;
}

}  // namespace spool::app
