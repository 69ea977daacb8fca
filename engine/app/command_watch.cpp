#include "engine/app/command_watch.hpp"

#include <algorithm>

#include "engine/app/interrupt.hpp"

namespace spool::app {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kFirstLook{50};
constexpr milliseconds kLook{500};
constexpr std::size_t kBarColumns = 20;

bool has_ended(const store::CommandInfo& command) {
  return command.state == "finished" || command.state == "cancelled";
}

std::string bar(const store::CommandInfo& command) {
  const std::int64_t all = std::max<std::int64_t>(command.matched, 1);
  const std::int64_t done = std::min(command.done + command.skipped, all);
  const auto filled = static_cast<std::size_t>(done * static_cast<std::int64_t>(kBarColumns) / all);
  return "[" + std::string(filled, '#') + std::string(kBarColumns - filled, '.') + "]";
}

// One line for all of them.
std::string progress_line(const std::vector<store::CommandDetail>& commands) {
  store::CommandInfo sum;
  std::size_t waiting = 0;
  for (const store::CommandDetail& one : commands) {
    sum.kind = one.info.kind;
    sum.matched += one.info.matched;
    sum.done += one.info.done;
    sum.skipped += one.info.skipped;
    if (one.info.state == "paused") sum.state = "paused";
    waiting += hindrances(one).size();
  }
  return sum.kind + " " + bar(sum) + " " + progress_text(sum) +
         (sum.state.empty() ? "" : ", paused") +
         (waiting == 0 ? "" : ", partitions held up: " + std::to_string(waiting));
}

base::Result<std::vector<store::CommandDetail>> look(postgres::Connection& connection,
                                                     const std::vector<base::Uuid>& ids) {
  std::vector<store::CommandDetail> commands;
  for (const base::Uuid& id : ids) {
    auto one = store::show_command(connection, id);
    if (!one) return one.failure();
    commands.push_back(std::move(*one));
  }
  return commands;
}

void report(CommandContext& context, const std::vector<store::CommandDetail>& commands) {
  std::vector<std::string> keys;
  std::vector<std::vector<Cell>> rows;
  for (const store::CommandDetail& one : commands) {
    keys.clear();
    auto& row = rows.emplace_back();
    for (const Field& field : command_record(one.info)) {
      const bool wanted = field.key == "id" || field.key == "kind" || field.key == "handler" ||
                          field.key == "state" || field.key == "matched" || field.key == "done" ||
                          field.key == "skipped";
      if (!wanted) continue;
      keys.push_back(field.key);
      row.push_back(field.value);
    }
  }
  context.output().list(keys, rows, "");
}

}  // namespace

std::string progress_text(const store::CommandInfo& command) {
  return std::to_string(command.done) + " of " + std::to_string(command.matched) + " done" +
         (command.skipped == 0 ? "" : ", " + std::to_string(command.skipped) + " skipped");
}

std::vector<std::string> hindrances(const store::CommandDetail& command) {
  std::vector<std::string> texts;
  for (const store::CommandLane& lane : command.lanes) {
    const std::string where = command.info.handler + "/" + std::to_string(lane.partition);
    if (lane.state == "stopped") {
      texts.push_back(where + " stands still: " + lane.stopped_because);
    } else if (lane.state == "waiting_for_owner") {
      texts.push_back(where + " waits for an owner" +
                      (lane.owner.empty() ? "" : " (the last one was " + lane.owner + ")"));
    }
  }
  return texts;
}

Record command_record(const store::CommandInfo& command) {
  return {{"id", base::to_string(command.id)},
          {"kind", command.kind},
          {"handler", command.handler},
          {"state", command.state},
          {"matched", command.matched},
          {"done", command.done},
          {"skipped", command.skipped},
          {"lanes", command.lanes},
          {"lanes_finished", command.lanes_finished},
          {"rate", command.rate},
          {"priority", command.priority ? Cell(*command.priority) : Cell()},
          {"filter", Json{command.filter_json}},
          {"reason", command.reason},
          {"actor", command.actor},
          {"created_at", Time{command.created_at}},
          {"finished_at", command.finished_at ? Cell(Time{*command.finished_at}) : Cell()}};
}

base::Result<Watched> watch_commands(CommandContext& context, postgres::Connection& connection,
                                     const std::vector<base::Uuid>& ids,
                                     std::optional<milliseconds> limit) {
  Interrupt interrupt;
  const auto begin = Clock::now();
  Watched watched;
  for (milliseconds pause = kFirstLook;; pause = std::min(kLook, pause * 2)) {
    auto commands = look(connection, ids);
    if (!commands) {
      context.progress("");
      return commands.failure();
    }
    watched.commands = std::move(*commands);
    const bool ended = std::ranges::all_of(
        watched.commands, [](const store::CommandDetail& one) { return has_ended(one.info); });
    if (ended) break;
    context.progress(progress_line(watched.commands));
    const auto left =
        limit ? std::chrono::ceil<milliseconds>(begin + *limit - Clock::now()) : pause;
    if (left <= milliseconds(0)) {
      watched.end = WatchEnd::late;
      break;
    }
    if (interrupt.wait(std::min(pause, left))) {
      watched.end = WatchEnd::interrupted;
      break;
    }
  }
  context.progress("");
  return watched;
}

int finish_commands(CommandContext& context, postgres::Connection& connection,
                    const std::vector<store::GivenCommand>& given, milliseconds wait) {
  std::vector<base::Uuid> ids;
  ids.reserve(given.size());
  for (const store::GivenCommand& one : given) ids.push_back(one.id);
  const auto watched = watch_commands(context, connection, ids, wait);
  if (!watched) return context.fail(watched.failure());
  report(context, watched->commands);
  if (watched->end == WatchEnd::ended) return kOk;
  for (const store::CommandDetail& one : watched->commands) {
    if (has_ended(one.info)) continue;
    for (const std::string& text : hindrances(one)) context.note(text);
    const std::string id = base::to_string(one.info.id);
    context.note(one.info.handler + ": " + progress_text(one.info) +
                 "; the owners of its partitions go on with it. spool replay watch " + id +
                 ", or spool replay cancel " + id);
  }
  if (watched->end == WatchEnd::interrupted) return kInterrupted;
  return wait == milliseconds(0) ? kOk : kPartlyDone;
}

}  // namespace spool::app
