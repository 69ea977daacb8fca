// The story: operations ended long ago. Of two workers one removes them, while the handler is
// paused, and neither does it again within the hour. Then somebody publishes all of them once more,
// as a restored client does: nothing is carried out a second time.
#include <gtest/gtest.h>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kMovies = 60;

int cleanings(Stage& stage) {
  int done = 0;
  for (const auto& worker : stage.workers())
    done += worker->count({"\"duty.done\"", "\"duty\":\"cleanup\""});
  return done;
}

TEST(CleanUp, WhatWasRemovedIsNotDoneAgain) {
  // Nobody else is to write operations.
  ListStage stage({.worker = {{"SPOOL__LISTS__REFRESH_INTERVAL", "0s"}}});
  std::vector<ListOperation> operations{{.id = "create", .type = "create_list", .name = "noir"}};
  for (int movie = 1; movie <= kMovies; ++movie)
    operations.push_back(
        {.id = "add-" + std::to_string(movie), .type = "add_movie", .movie = movie});
  stage.publish(operations);
  stage.start_worker();
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  ASSERT_EQ(stage.operations("completed"), kMovies + 1);
  const std::size_t effects = stage.standin().ledger().size();

  const auto decide = [&](const char* verb) {
    const auto command =
        stage.command_line({"handlers", verb, "list_operations", "--reason", "the story"});
    EXPECT_EQ(command->wait_exit(), 0) << command->tail();
  };
  const std::string cleanup =
      " from spool.duties where handler = 'list_operations'"
      " and duty = 'cleanup'";
  ASSERT_TRUE(stage.wait_true("select version = 1" + cleanup)) << stage.logs();
  decide("pause");
  stage.database().execute(
      "update media.queued_list_operations set inserted_at = inserted_at - interval '31 days',"
      " finished_at = finished_at - interval '31 days'");
  stage.database().execute("update spool.duties set done_at = done_at - interval '1 hour'");
  ASSERT_TRUE(stage.wait_true("select count(*) = 0 from media.queued_list_operations"))
      << stage.logs();
  EXPECT_EQ(stage.number("select count(*) from media.operation_tombstones"), kMovies + 1);
  EXPECT_EQ(stage.text("select concat_ws(' ', rows, events, more, failures)" + cleanup),
            std::to_string(kMovies + 1) + " 0 f 0");
  decide("resume");

  stage.publish(operations);
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(stage.number("select sum(duplicate) from spool.lanes"), kMovies + 1);
  EXPECT_EQ(stage.number("select count(*) from media.queued_list_operations"), 0);
  EXPECT_EQ(stage.standin().ledger().size(), effects);
  EXPECT_EQ(stage.mirror(), stage.service());
  EXPECT_EQ(stage.number("select version" + cleanup), 2);
  EXPECT_TRUE(stage.wait_until([&] { return cleanings(stage) == 1; }));
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
