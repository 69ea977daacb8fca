#include "handlers/local_lists/migration_step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::local_lists {
namespace {

using enum ListState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

MigrationList list_in(ListState state) {
  MigrationList list;
  list.moved = {base::name_uuid("m", ""), base::name_uuid("l", ""), base::name_uuid("r", ""), 7};
  list.state = state;
  list.fields = list_operations::ListFields{"Noir", "", true, "en"};
  return list;
}

ListFacts answered(Asked asked, std::string why = {}) {
  return {{asked, std::move(why)}, {}, {}};
}

AskedMovie asked(std::int32_t position, Asked how, std::string why = {}) {
  return {position, 500 + position, {how, std::move(why)}};
}

using Events = std::vector<handler::PublishedEvent>;

TEST(MigrationStep, AListIsBegunByItsCreation) {
  MigrationList list = list_in(waiting);
  Events events;
  EXPECT_EQ(begin(list, 0, events), 0);
  EXPECT_EQ(list.state, waiting);
  EXPECT_EQ(begin(list, 3, events), 1);
  EXPECT_EQ(list.state, creating);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, "migration-" + base::to_string(list.moved.migration) + "-" +
                              base::to_string(list.moved.list) + "-create");
  EXPECT_EQ(events[0].key, "7");
  EXPECT_THAT(events[0].data, testing::AllOf(HasSubstr("\"create_list\""), HasSubstr("\"Noir\""),
                                             HasSubstr("\"priority\":0"),
                                             HasSubstr(base::to_string(list.moved.ref))));
  EXPECT_EQ(awaited(list), events[0].id);
}

TEST(MigrationStep, AListThatIsGoneHereIsNotCreatedThere) {
  MigrationList list = list_in(waiting);
  list.fields.reset();
  Events events;
  EXPECT_EQ(begin(list, 3, events), 0);
  EXPECT_EQ(list.state, removed);
  EXPECT_THAT(events, IsEmpty());
}

TEST(MigrationStep, NothingIsAddedBeforeTheListIsThere) {
  MigrationList list = list_in(creating);
  absorb(list, answered(Asked::waits));
  EXPECT_EQ(list.state, creating);
  EXPECT_EQ(list.waiting, 1);
  Events events;
  EXPECT_EQ(fill(list, {{1, 550}}, 5, events), 0);
  absorb(list, answered(Asked::completed));
  EXPECT_EQ(list.state, filling);
  EXPECT_TRUE(list.created);
  EXPECT_EQ(list.waiting, 0);
}

TEST(MigrationStep, OnlySoManyMoviesAreAskedForAsThereIsRoom) {
  MigrationList list = list_in(filling);
  Events events;
  EXPECT_EQ(fill(list, {{3, 550}, {8, 551}, {9, 552}}, 2, events), 2);
  EXPECT_EQ(list.published, 8);
  EXPECT_EQ(list.waiting, 2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].id, add_id_prefix(list.moved) + "551");
  EXPECT_THAT(events[1].data, HasSubstr("{\"movie_id\":551}"));
}

TEST(MigrationStep, WhatHasEndedInFrontIsBehindUs) {
  MigrationList list = list_in(filling);
  list.published = 5;
  absorb(list, {{},
                {asked(1, Asked::completed), asked(2, Asked::cancelled), asked(3, Asked::waits),
                 asked(4, Asked::completed), asked(5, Asked::waits)},
                {}});
  EXPECT_EQ(list.ended, 2);
  EXPECT_EQ(list.done, 1);
  EXPECT_EQ(list.waiting, 2);
  EXPECT_EQ(list.state, filling);
  Events events;
  EXPECT_EQ(fill(list, {}, 5, events), 0) << "it is not read while movies are under way";
}

TEST(MigrationStep, WhenAllHasEndedTheListIsReadAndCompared) {
  MigrationList list = list_in(filling);
  list.published = list.ended = 5;
  Events events;
  EXPECT_EQ(fill(list, {}, 5, events), 1);
  EXPECT_EQ(list.state, checking);
  EXPECT_EQ(list.checks, 1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, refresh_id(list.moved, 1));
  EXPECT_THAT(events[0].data, HasSubstr("\"refresh_list\""));
  MigrationList other = list;
  absorb(list, answered(Asked::completed));
  EXPECT_EQ(list.state, done);
  absorb(other, {{Asked::completed, {}}, {}, "1 missing at TMDB: 550"});
  EXPECT_EQ(other.state, failed);
  EXPECT_EQ(other.problem, "1 missing at TMDB: 550");
}

TEST(MigrationStep, WhatFailedIsTold) {
  MigrationList list = list_in(creating);
  absorb(list, answered(Asked::failed, "upstream.rejected: no"));
  EXPECT_EQ(list.state, failed);
  EXPECT_EQ(list.problem, "create_list failed: upstream.rejected: no");
  list = list_in(creating);
  absorb(list, answered(Asked::cancelled));
  EXPECT_EQ(list.problem, "create_list was cancelled");
  list = list_in(filling);
  list.published = 3;
  absorb(list, {{},
                {asked(1, Asked::completed), asked(2, Asked::failed, "x"), asked(3, Asked::failed)},
                {}});
  EXPECT_EQ(list.state, failed);
  EXPECT_EQ(list.ended, 1);
  EXPECT_EQ(list.failed, 2);
  EXPECT_EQ(list.problem, "add_movie 502 failed: x (and 1 more)");
  list = list_in(checking);
  absorb(list, answered(Asked::failed));
  EXPECT_EQ(list.problem, "refresh_list failed");
}

TEST(MigrationStep, WhatWasBegunIsDeletedAndWhatWasNotIsNot) {
  for (const ListState state : {creating, filling, checking, done, failed}) {
    MigrationList list = list_in(state);
    Events events;
    EXPECT_EQ(remove(list, 0, events), 0);
    EXPECT_EQ(list.state, state);
    EXPECT_EQ(remove(list, 1, events), 1);
    EXPECT_EQ(list.state, removing);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].id, delete_id(list.moved));
    EXPECT_EQ(remove(list, 1, events), 0) << "once";
    absorb(list, answered(Asked::failed, "x"));
    EXPECT_EQ(list.state, removing);
    EXPECT_EQ(list.problem, "delete_list failed: x");
    absorb(list, answered(Asked::completed));
    EXPECT_EQ(list.state, removed);
    EXPECT_EQ(list.problem, "");
  }
  MigrationList list = list_in(waiting);
  Events events;
  EXPECT_EQ(remove(list, 0, events), 0);
  EXPECT_EQ(list.state, removed);
  EXPECT_THAT(events, IsEmpty());
}

StateCounts counts(std::initializer_list<ListState> states) {
  StateCounts counts = {};
  for (const ListState state : states) ++counts[static_cast<std::size_t>(state)];
  return counts;
}

TEST(MigrationStep, TheMigrationIsWhatItsListsAre) {
  const MigrationState running = MigrationState::running;
  for (const ListState state : {waiting, creating, filling})
    EXPECT_EQ(state_after(running, counts({done, failed, checking, state})), running);
  EXPECT_EQ(state_after(running, counts({done, failed, checking})), MigrationState::checking);
  EXPECT_EQ(state_after(running, counts({done, failed})), MigrationState::failed);
  EXPECT_EQ(state_after(running, counts({done, done, removed})), MigrationState::done);
  const MigrationState back = MigrationState::rolling_back;
  for (const ListState state : {waiting, creating, filling, checking, done, failed, removing})
    EXPECT_EQ(state_after(back, counts({removed, state})), back);
  EXPECT_EQ(state_after(back, counts({removed})), MigrationState::rolled_back);
}

}  // namespace
}  // namespace spool::local_lists
