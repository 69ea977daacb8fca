// The command line: words against the tree of commands. Pure but for the help that it writes; one
// thread.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/app/arguments.hpp"
#include "engine/app/command.hpp"
#include "engine/app/output.hpp"
#include "engine/config/load.hpp"

namespace spool::app {

enum class Color { automatic, always, never };

// What stands before or behind every command.
struct GlobalOptions {
  std::optional<std::string> config_file;
  config::Pairs set;  // --set key=value
  OutputFormat format = OutputFormat::text;
  TimeFormat time_format = TimeFormat::rfc3339;
  Color color = Color::automatic;
  bool quiet = false;
};

struct ParsedLine {
  const Command* command = nullptr;  // of those given; none: `code` is the answer already
  Arguments arguments;
  GlobalOptions global;
  int code = 0;
};

// Help goes to `out`; what was wrong goes to `err`, with a suggestion where one is near.
ParsedLine parse_command_line(const std::vector<Command>& commands,
                              const std::vector<std::string>& words, std::ostream& out,
                              std::ostream& err);

}  // namespace spool::app
