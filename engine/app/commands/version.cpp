#include "engine/app/build_info.hpp"
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"

namespace spool::app {
namespace {

int version(CommandContext& context) {
  const BuildFacts facts = build_facts();
  context.output().record({{"version", std::string(facts.version)},
                           {"revision", std::string(facts.revision)},
                           {"librdkafka", std::string(facts.librdkafka)},
                           {"libpqxx", std::string(facts.libpqxx)}});
  return kOk;
}

}  // namespace

std::vector<Command> version_commands() {
  return {{.path = "version",
           .help = "Version, revision and libraries of this program",
           .footer = "Examples:\n  spool version\n  spool version -o json",
           .run = version}};
}

}  // namespace spool::app
