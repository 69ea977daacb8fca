#include "engine/app/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "engine/app/cli.hpp"
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"

// The environment of the process; POSIX declares it nowhere.
extern char** environ;

namespace spool::app {
namespace {

bool use_color(Color color, const Streams& streams, const config::Pairs& environment) {
  if (color != Color::automatic) return color == Color::always;
  for (const auto& [name, value] : environment) {
    if (name == "NO_COLOR" && !value.empty()) return false;
  }
  return streams.out_is_terminal;
}

base::EpochMicros now() {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

config::Pairs process_environment() {
  config::Pairs pairs;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string text(*variable);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos)
      pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

}  // namespace

std::vector<Command> engine_commands() {
  std::vector<Command> all;
  for (auto group : {run_commands(), publish_commands(), migrate_commands(), topics_commands(),
                     config_commands(), handlers_commands(), handler_switch_commands(),
                     lanes_commands(), lane_loss_commands(), dlt_commands(), dlt_change_commands(),
                     retries_commands(), replay_commands(), foreign_commands(), privacy_commands(),
                     audit_commands(), health_commands(), version_commands()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

int run_command_line(const Program& program, const std::vector<std::string>& words,
                     const config::Pairs& environment, const Streams& streams) {
  std::vector<Command> commands = engine_commands();
  commands.insert(commands.end(), program.commands.begin(), program.commands.end());
  ParsedLine line = parse_command_line(commands, words, streams.out, streams.err);
  if (line.command == nullptr) return line.code;
  OutputSettings output;
  output.format = line.global.format;
  output.time_format = line.global.time_format;
  output.color = use_color(line.global.color, streams, environment);
  output.now = now();
  CommandContext context(program, std::move(line.arguments),
                         {line.global.config_file, environment, line.global.set}, streams, output,
                         line.global.quiet);
  const int code = line.command->run(context);
  streams.out.flush();
  if (!streams.out && code == kOk)
    return context.fail(kFailed, "the result could not be written to stdout");
  return code;
}

int run_process(const Program& program, int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const Streams streams{std::cin,
                        std::cout,
                        std::cerr,
                        ::isatty(STDIN_FILENO) == 1,
                        ::isatty(STDOUT_FILENO) == 1,
                        ::isatty(STDERR_FILENO) == 1};
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  return run_command_line(program, words, process_environment(), streams);
}

}  // namespace spool::app
