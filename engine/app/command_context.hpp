// What a running command has at hand: its arguments, the configuration, the database, stdout for
// results and stderr for the rest. Made for one command, one thread. Errors are one line, `spool:
// ...`, followed by how to mend it.
#pragma once

#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/app/arguments.hpp"
#include "engine/app/exit_code.hpp"
#include "engine/app/output.hpp"
#include "engine/app/program.hpp"
#include "engine/base/result.hpp"
#include "engine/config/load.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::app {

class CommandContext {
 public:
  CommandContext(const Program& program, Arguments arguments, config::Sources sources,
                 const Streams& streams, OutputSettings output, bool quiet);

  const Program& program() const { return program_; }
  const Arguments& arguments() const { return arguments_; }
  Output& output() { return output_; }
  std::istream& in() { return streams_.in; }
  std::ostream& out() { return streams_.out; }  // for what is too long to be held at once
  bool in_is_terminal() const { return streams_.in_is_terminal; }
  bool quiet() const { return quiet_; }

  // From all sources; the first call reads them.
  const base::Result<config::Loaded>& configuration();

  // A session for a person's question, with that configuration.
  base::Result<std::unique_ptr<postgres::Connection>> connect();

  // Says what went wrong, and how to mend it where that is known; answers the exit code.
  int fail(const base::Failure& failure);
  int fail(ExitCode code, std::string_view text);
  // The command line was wrong.
  int fail_usage(std::string_view text) { return fail(kUsage, text); }

  // A remark beside the result, unless --quiet.
  void note(std::string_view text);
  // How far it has come, in place of what was said so before; on terminals only. The empty text
  // takes it away.
  void progress(std::string_view text);

  // Asks on the terminal; --yes answers for it. Fails with `invalid` when there is nobody to ask.
  base::Result<bool> confirmed(const std::string& question);

 private:
  const Program& program_;
  Arguments arguments_;
  config::Sources sources_;
  Streams streams_;
  Output output_;
  bool quiet_;
  std::optional<base::Result<config::Loaded>> configuration_;
};

// The same failure, with the brokers that were asked if none of them answered.
base::Failure about_kafka(const config::Settings& settings, const base::Failure& failure);

}  // namespace spool::app
