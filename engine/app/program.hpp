// What a program brings to the engine to become one: its handlers and what goes with them. The
// engine knows no handler; handlers/worker_main.cpp hands them in.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/app/command.hpp"
#include "engine/base/result.hpp"
#include "engine/config/keys.hpp"
#include "engine/config/load.hpp"
#include "engine/config/settings.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/handler/registry.hpp"

namespace spool::app {

struct Program {
  // Every handler of the program, set up by the configuration; also those that it disables.
  std::function<base::Result<handler::HandlerRegistry>(const config::Settings&)> handlers;
  config::KnownHandlers known;    // what may be configured of them
  std::vector<Command> commands;  // of the handlers
  // The Kafka key of an event that is published without one, from its type and data; empty if
  // nothing follows.
  std::function<std::optional<std::string>(std::string_view type, const std::string& data)>
      publish_key;
  delivery::Probe* probe = nullptr;  // sees the labelled points of every transaction; none: nobody
};

// Where a command reads and writes; a test gives its own.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

// Runs the command that the words name (without the program's own name) and answers its exit code.
int run_command_line(const Program& program, const std::vector<std::string>& words,
                     const config::Pairs& environment, const Streams& streams);

// The same for the words, the environment and the streams of the process.
int run_process(const Program& program, int argc, char** argv);

}  // namespace spool::app
