// The program `spool` with the drill's handlers beside its own.
#include <sys/resource.h>

#include <utility>

#include "handlers/program.hpp"
#include "tests/drill/drill_handler.hpp"

int main(int argc, char** argv) {
  using namespace spool;
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // it ends by abort() on purpose
  app::Program program = spool::program();
  for (const handler::Handler& handler : drill::drill_handlers())
    program.known.push_back({handler.spec.name, handler.spec.topic, {}});
  program.handlers =
      [product = std::move(program.handlers)](
          const config::Settings& settings) -> base::Result<handler::HandlerRegistry> {
    auto registry = product(settings);
    if (!registry) return registry.failure();
    for (handler::Handler& handler : drill::drill_handlers()) {
      if (auto added = registry->add(std::move(handler)); !added) return added.failure();
    }
    return registry;
  };
  return app::run_process(program, argc, argv);
}
