#include "handlers/program.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/config/describe.hpp"

namespace spool {
namespace {

TEST(Program, TheExampleConfigurationInTheTreeIsWhatTheProgramPrints) {
  std::ifstream file(SPOOL_EXAMPLE_CONFIG);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), config::example(program().known));
}

TEST(Program, EveryHandlerThatCanBeConfiguredExists) {
  const app::Program made = program();
  const auto loaded = config::load({}, made.known);
  ASSERT_TRUE(loaded) << loaded.failure().text;
  const auto registry = made.handlers(loaded->settings);
  ASSERT_TRUE(registry) << registry.failure().text;
  EXPECT_EQ(registry->all().size(), made.known.size());
  for (const auto& known : made.known) EXPECT_NE(registry->find(known.name), nullptr) << known.name;
}

}  // namespace
}  // namespace spool
