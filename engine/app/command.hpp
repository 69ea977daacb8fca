// A command of the program as plain values: its words, arguments, help and what it does. The
// engine's own commands and those that a handler brings are the same type; cli.cpp makes the
// command line of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spool::app {

class CommandContext;

struct Positional {
  std::string name;  // "USER"
  std::string help;
  bool required = true;
  bool repeatable = false;  // takes all that are left; the last of a command
};

struct Option {
  std::string names;  // "-k,--key": the long name is what run() asks for
  std::string value;  // "KEY"; empty: a flag
  std::string help;
  std::vector<std::string> choices = {};
  bool repeatable = false;
};

struct Command {
  std::string path;  // "progress get"
  std::string help;  // one line
  std::vector<Positional> positionals = {};
  std::vector<Option> options = {};
  std::string footer = {};                       // more, and examples
  std::function<int(CommandContext&)> run = {};  // an ExitCode; empty: a group of commands
};

}  // namespace spool::app
