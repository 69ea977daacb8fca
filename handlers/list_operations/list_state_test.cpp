#include "handlers/list_operations/list_state.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spool::list_operations {
namespace {

const Change kCreate{OperationType::create_list, {"Noir", "dark", true, "en"}};
const Change kUpdate{OperationType::update_list, {.name = "Neo-noir"}};
const Change kDelete{OperationType::delete_list};
const Change kClear{OperationType::clear_list};

Change add(std::int32_t movie) {
  return {.type = OperationType::add_movie, .movie_id = movie};
}

Change remove(std::int32_t movie) {
  return {.type = OperationType::remove_movie, .movie_id = movie};
}

ListState after(ListState state, const std::vector<Change>& changes) {
  for (const Change& change : changes) confirm(state, change);
  return state;
}

const ListState kNever{.existence = Existence::never};
const ListState kGone{.existence = Existence::gone, .complete = true};
const ListState kThree{Existence::exists, kCreate.fields, {1, 2, 3}, true};

TEST(ListState, ACreatedListIsEmptyAndKnownToBe) {
  EXPECT_EQ(after(kNever, {kCreate}), (ListState{Existence::exists, kCreate.fields, {}, true}));
}

TEST(ListState, MoviesKeepTheOrderInWhichTheyWereAddedEachOnce) {
  EXPECT_EQ(after(kNever, {kCreate, add(2), add(1), add(2)}).movies,
            (std::vector<std::int32_t>{2, 1}));
  EXPECT_EQ(after(kThree, {remove(1), remove(7), add(1)}).movies,
            (std::vector<std::int32_t>{2, 3, 1}));
  EXPECT_EQ(after(kThree, {kClear, add(3)}).movies, (std::vector<std::int32_t>{3}));
}

TEST(ListState, AnUpdateChangesWhatItNames) {
  const ListState state = after(kThree, {kUpdate});
  EXPECT_EQ(state.fields, (ListFields{"Neo-noir", "dark", true, "en"}));
  EXPECT_EQ(state.movies, kThree.movies);
}

TEST(ListState, AListHasOneLife) {
  EXPECT_EQ(after(kThree, {kDelete}), kGone);
  EXPECT_EQ(after(kThree, {kDelete, kCreate, add(1), kUpdate}), kGone);
  EXPECT_EQ(after(kThree, {kCreate}), kThree);
}

TEST(ListState, WhatIsDoneOnAListThatNeverWasChangesNothing) {
  EXPECT_EQ(after(kNever, {add(1), remove(1), kUpdate, kClear, kDelete}), kNever);
}

TEST(ListState, WhatTheServiceTakesTellsThatAnUnknownListIsThere) {
  EXPECT_EQ(after({}, {add(1)}).existence, Existence::exists);
  EXPECT_EQ(after({}, {kUpdate}).existence, Existence::exists);
  EXPECT_EQ(after({}, {kClear}), (ListState{Existence::exists, {}, {}, true}));
  EXPECT_EQ(after({}, {remove(1)}).existence, Existence::unknown) << "so it says of no list too";
  EXPECT_EQ(after({}, {kDelete}), kGone);
  EXPECT_FALSE(after({}, {add(1)}).complete);
}

TEST(ListState, PresenceIsKnownWhereTheListIs) {
  EXPECT_EQ(presence(kThree, 2), Presence::present);
  EXPECT_EQ(presence(kThree, 4), Presence::absent);
  const ListState part{Existence::exists, {}, {1}, false};
  EXPECT_EQ(presence(part, 1), Presence::present);
  EXPECT_EQ(presence(part, 2), Presence::unknown);
  EXPECT_EQ(presence(kNever, 1), Presence::absent);
  EXPECT_EQ(presence(kGone, 1), Presence::absent);
  EXPECT_EQ(presence({}, 1), Presence::unknown);
}

}  // namespace
}  // namespace spool::list_operations
