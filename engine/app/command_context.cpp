#include "engine/app/command_context.hpp"

#include <sstream>
#include <utility>

#include "engine/app/text_form.hpp"
#include "engine/app/worker_settings.hpp"

namespace spool::app {
namespace {

// What helps against a failure of this kind, as an end of its sentence.
std::string_view mend(const base::Failure& failure) {
  // A table or schema that is not there: nobody migrated this database.
  if (failure.sqlstate == "42P01" || failure.sqlstate == "3F000")
    return " (bring the database up to date with `spool migrate up`)";
  return {};
}

}  // namespace

CommandContext::CommandContext(const Program& program, Arguments arguments, config::Sources sources,
                               const Streams& streams, OutputSettings output, bool quiet)
    : program_(program),
      arguments_(std::move(arguments)),
      sources_(std::move(sources)),
      streams_(streams),
      output_(streams_.out, output),
      quiet_(quiet) {}

const base::Result<config::Loaded>& CommandContext::configuration() {
  if (!configuration_) configuration_ = config::load(sources_, program_.known);
  return *configuration_;
}

base::Result<std::unique_ptr<postgres::Connection>> CommandContext::connect() {
  const auto& loaded = configuration();
  if (!loaded) return loaded.failure();
  postgres::ConnectionSettings settings = database_settings(loaded->settings.database);
  settings.application_name = "spool-cli";
  auto connection = postgres::Connection::open(settings);
  if (!connection) {
    const base::Failure& why = connection.failure();
    return base::Failure(why.kind, "database: " + why.text, why.sqlstate);
  }
  return connection;
}

int CommandContext::fail(const base::Failure& failure) {
  return fail(exit_code(failure.kind), failure.text + std::string(mend(failure)));
}

int CommandContext::fail(ExitCode code, std::string_view text) {
  // A wrong configuration has several lines, one for each error.
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) streams_.err << "spool: " << visible(line) << "\n";
  }
  return code;
}

void CommandContext::note(std::string_view text) {
  if (!quiet_) streams_.err << text << "\n";
}

void CommandContext::progress(std::string_view text) {
  if (quiet_ || !streams_.err_is_terminal) return;
  streams_.err << "\r\x1b[K" << text << std::flush;
}

base::Result<bool> CommandContext::confirmed(const std::string& question) {
  if (arguments_.has("yes")) return true;
  if (!streams_.in_is_terminal) {
    return base::Failure(base::FailureKind::invalid,
                         question + " Without a terminal to ask on, say --yes");
  }
  streams_.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(streams_.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

base::Failure about_kafka(const config::Settings& settings, const base::Failure& failure) {
  if (failure.kind != base::FailureKind::unavailable) return failure;
  return {failure.kind,
          "kafka at " + settings.kafka.bootstrap_servers + " does not answer: " + failure.text};
}

}  // namespace spool::app
