// What becomes of operations that read their list, and of the mirror, against a real PostgreSQL.
#include "handlers/list_operations/refresh.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using ::testing::HasSubstr;

class RefreshPgTest : public ListStoreTest {
 protected:
  // A list with the movies 1, 2 and 3, in that order.
  void list_with_movies() {
    carry_out(create("c"), created(42));
    for (const int movie : {1, 2, 3}) carry_out(add("m" + std::to_string(movie), movie));
  }

  std::string list() const {
    return value(
        "select concat_ws(' ', existence, name, complete, sync_status, last_synced_at is not null)"
        " from media.lists where tmdb_list_id = 42");
  }
  std::string positions() const {
    return value(
        "select string_agg(movie_id || '@' || position, ' ' order by position)"
        " from media.user_list_items");
  }
  std::string shown() const { return items("media.shown_list_items", "place"); }
};

TEST_F(RefreshPgTest, TheMirrorBecomesWhatWasRead) {
  list_with_movies();
  EXPECT_EQ(list(), "exists Noir t never f");
  const std::string stays = value(
      "select '3@' || position from media.user_list_items"
      " where movie_id = 3");
  admit({refresh("f")});
  EXPECT_EQ(call("f")->tmdb_list_id, 42);
  EXPECT_EQ(list(), "exists Noir t running f");
  const auto settled = settle("f", Settled::done, fetched({9, 3}, "Theirs"));
  EXPECT_EQ(list(), "exists Theirs t synced t");
  EXPECT_EQ(items(), "3 9");
  EXPECT_THAT(positions(), HasSubstr(stays)) << "what stays keeps its row";
  EXPECT_EQ(column("f", "status || coalesce(reason, '')"), "completed");
  EXPECT_EQ(column("f", "details"),
            R"({"fields": ["name"], "differs": true, "partial": false, "existence": "exists", )"
            R"("only_at_tmdb": [9], "only_in_mirror": [1, 2]})");
  ASSERT_EQ(settled.told.size(), 2U);
  EXPECT_EQ(settled.told[0].type, "list_operation.completed.v1");
  EXPECT_EQ(settled.told[1].type, "list.synced.v1");
  EXPECT_EQ(settled.told[1].cause, 0U);
  EXPECT_THAT(settled.told[1].data,
              HasSubstr(R"("exists":true,"changed":true,"movies_added":1,"movies_removed":2,)"));
}

TEST_F(RefreshPgTest, OnlyWhatDiffersIsWritten) {
  list_with_movies();
  const std::string before = value(
      "select string_agg(xmin || '@' || position, ' ')"
      " from media.user_list_items");
  carry_out(refresh("f"), fetched({3, 2, 1}));
  EXPECT_EQ(value("select string_agg(xmin || '@' || position, ' ') from media.user_list_items"),
            before);
  EXPECT_EQ(column("f", "details ->> 'differs'"), "false");
  EXPECT_EQ(list(), "exists Noir t synced t");
}

TEST_F(RefreshPgTest, ComparingChangesNothing) {
  list_with_movies();
  const std::string before = value("select l::text from media.lists l");
  admit({refresh("v", 42, true)});
  call("v");
  const auto settled = settle("v", Settled::done, fetched({9}, "Theirs"));
  EXPECT_EQ(value("select l::text from media.lists l"), before);
  EXPECT_EQ(items(), "1 2 3");
  EXPECT_EQ(column("v", "status || ' ' || (details ->> 'only_in_mirror')"), "completed [1, 2, 3]");
  EXPECT_EQ(settled.told.size(), 1U) << "the mirror is what it was";
  admit({refresh("w", 42, true)});
  call("w");
  settle("w", Settled::died);
  EXPECT_EQ(value("select l::text from media.lists l"), before);
}

TEST_F(RefreshPgTest, ManyAreSettledTogetherEachForItself) {
  list_with_movies();
  carry_out(add("other", 5, 43));
  admit({refresh("v", 42, true), refresh("f", 43), add("a", 6, 44)});
  open({"v", "f", "a"});
  const auto settled =
      settle({settling("v", Settled::done, fetched({9}, "Theirs")),
              settling("f", Settled::done, fetched({7}, "West")), settling("a", Settled::done)});
  EXPECT_EQ(list(), "exists Noir t never f");
  EXPECT_EQ(value("select string_agg(l.tmdb_list_id || ':' || i.movie_id, ' ' order by"
                  " l.tmdb_list_id, i.position) from media.user_list_items i"
                  " join media.lists l on l.id = i.list_id"),
            "42:1 42:2 42:3 43:7 44:6");
  ASSERT_EQ(settled.told.size(), 4U);
  EXPECT_EQ(settled.told[3].type, "list.synced.v1");
  EXPECT_EQ(settled.told[3].cause, 1U);
  EXPECT_EQ(settled.told[3].subject, "43");
  EXPECT_EQ(column("v", "details ->> 'only_at_tmdb'"), "[9]");
  EXPECT_EQ(column("f", "details ->> 'only_in_mirror'"), "[5]");
  EXPECT_EQ(column("a", "details"), "");
}

TEST_F(RefreshPgTest, AListThatIsNotThereAnyMoreIsGone) {
  list_with_movies();
  admit({refresh("f"), add("behind", 7), refresh("again")});
  EXPECT_EQ(status("f") + column("f", "reason"), "completeda later operation reads the list");
  admit({add("more", 8)});
  call("behind");
  settle("behind", Settled::done);
  call("again");
  const auto settled = settle("again", Settled::done, fetched_gone());
  EXPECT_EQ(value("select existence || ' ' || complete from media.lists"), "gone true");
  EXPECT_EQ(items(), "");
  EXPECT_EQ(column("again", "details ->> 'existence'"), "gone");
  ASSERT_EQ(settled.told.size(), 2U);
  EXPECT_THAT(settled.told[1].data, HasSubstr(R"("exists":false,"changed":true)"));
  EXPECT_EQ(failure("more").text, "the list is gone");
  admit({refresh("late")});
  EXPECT_EQ(status("late") + column("late", "reason"),
            "completedthe list is gone, or is being deleted");
}

TEST_F(RefreshPgTest, WhatWaitsIsShownOnTopOfWhatWasRead) {
  list_with_movies();
  admit({refresh("f"), add("a", 7), remove("r", 2)});
  EXPECT_EQ(shown(), "1 2 3 7");
  EXPECT_EQ(value("select string_agg(operation_type, ' ' order by turn)"
                  " from media.showing_list_operations"),
            "add_movie remove_movie");
  call("f");
  settle("f", Settled::done, fetched({2, 8, 9}));
  EXPECT_EQ(value("select string_agg(movie_id || mark, ' ' order by place)"
                  " from media.shown_list_items"),
            "2removing 8settled 9settled 7adding");
  call("a");
  call("r");
  settle({settling("a", Settled::done), settling("r", Settled::done)});
  EXPECT_EQ(items(), "8 9 7");
  EXPECT_EQ(shown(), items());
}

TEST_F(RefreshPgTest, AListOfWhichLittleWasKnownIsKnownAsAWhole) {
  carry_out(add("a", 1));
  carry_out(refresh("f"), fetched({1, 2}));
  EXPECT_EQ(column("f", "details ->> 'differs'") + column("f", "details ->> 'partial'"),
            "falsetrue")
      << "what was not known is no difference";
  EXPECT_EQ(items(), "1 2");
  EXPECT_EQ(list(), "exists Noir t synced t");
}

TEST_F(RefreshPgTest, WhatWasReadInPartTakesNothingAway) {
  list_with_movies();
  ListAnswer part = fetched({3, 9});
  part.fetched->complete = false;
  carry_out(refresh("f"), part);
  EXPECT_EQ(items(), "1 2 3 9");
  EXPECT_EQ(list(), "exists Noir f synced t");
}

TEST_F(RefreshPgTest, TheListSaysWhatBecameOfTheLastReading) {
  list_with_movies();
  admit({refresh("f")});
  call("f");
  settle("f", Settled::retried);
  EXPECT_EQ(list(), "exists Noir t failed f");
  call("f");
  settle("f", Settled::withdrawn);
  EXPECT_EQ(list(), "exists Noir t never f") << "it did not begin";
  call("f");
  settle("f", Settled::done, fetched({1, 2, 3}));
  admit({refresh("g")});
  call("g");
  settle("g", Settled::withdrawn);
  EXPECT_EQ(list(), "exists Noir t synced t");
  call("g");
  settle("g", Settled::died);
  EXPECT_EQ(list(), "exists Noir t failed t");
}

TEST_F(RefreshPgTest, WhatWasNeverCreatedIsNotRead) {
  admit({refresh("f", 0)});
  EXPECT_TRUE(std::holds_alternative<handler::NothingToDo>(open({"f"})[0]));
  settle("f", Settled::done);
  EXPECT_EQ(status("f") + column("f", "reason"), "completedthe list was never created");
  EXPECT_EQ(column("f", "details"), "");
}

TEST_F(RefreshPgTest, AReadingInDoubtOfAListThatIsGoneIsOver) {
  list_with_movies();
  admit({refresh("f")});
  call("f");
  EXPECT_TRUE(call("f", true)->doubt.has_value());
  execute("update media.lists set existence = 'gone'");
  EXPECT_TRUE(std::holds_alternative<handler::NothingToDo>(open({"f"}, true)[0]));
  settle("f", Settled::done);
  EXPECT_EQ(status("f") + column("f", "reason"), "completedthe list is gone");
  EXPECT_EQ(value("select sync_status from media.lists"), "never");
}

}  // namespace
}  // namespace spool::list_operations
