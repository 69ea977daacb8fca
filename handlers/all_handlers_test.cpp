#include "handlers/all_handlers.hpp"

#include <gtest/gtest.h>

namespace spool::handlers {
namespace {

list_operations::Settings lists() {
  list_operations::Settings settings;
  settings.unseal = [](std::int32_t, std::string_view) -> base::Result<tmdb::Credentials> {
    return tmdb::Credentials();
  };
  return settings;
}

TEST(AllHandlers, AreRegistered) {
  const auto handlers = all_handlers({.list_operations = lists(), .progress_events = {}});
  ASSERT_TRUE(handlers.ok()) << handlers.failure().text;
  const handler::Handler* progress = (*handlers).find("progress_events");
  ASSERT_NE(progress, nullptr);
  EXPECT_EQ(progress->spec.topic, "spool.progress-events");
  EXPECT_EQ(progress->spec.types, std::vector<std::string>{"progress.v1"});
  EXPECT_EQ(progress->spec.idempotence, handler::Idempotence::natural);
  const handler::Handler* operations = (*handlers).find("list_operations");
  ASSERT_NE(operations, nullptr);
  EXPECT_EQ(operations->spec.topic, "spool.list-operations");
  EXPECT_NE(operations->performs(), nullptr);
}

TEST(AllHandlers, SettingsAreChecked) {
  for (const int percent : {-1, 0, 101}) {
    const auto handlers = all_handlers(
        {.list_operations = lists(), .progress_events = {.completed_percent = percent}});
    ASSERT_FALSE(handlers.ok());
    EXPECT_EQ(handlers.failure().kind, base::FailureKind::invalid);
    EXPECT_NE(handlers.failure().text.find("completed_percent"), std::string::npos);
  }
  EXPECT_TRUE(
      all_handlers({.list_operations = lists(), .progress_events = {.completed_percent = 100}})
          .ok());
  EXPECT_FALSE(all_handlers({}).ok()) << "nobody can open the sessions";
}

}  // namespace
}  // namespace spool::handlers
