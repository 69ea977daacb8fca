#include "handlers/list_operations/mirror.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spool::list_operations {
namespace {

using enum ItemMark;
using Changes = std::vector<Change>;
using Items = std::vector<ShownItem>;

const ListFields kFields{"Noir", "dark", true, "en"};
const Change kCreate{OperationType::create_list, kFields};
const Change kRename{OperationType::update_list, {.name = "Neo-noir"}};
const Change kDelete{OperationType::delete_list};
const Change kClear{OperationType::clear_list};
const ListState kNever{.existence = Existence::never};
const ListState kHas12{Existence::exists, kFields, {1, 2}, true};

Change add(std::int32_t movie) {
  return {.type = OperationType::add_movie, .movie_id = movie};
}

Change remove(std::int32_t movie) {
  return {.type = OperationType::remove_movie, .movie_id = movie};
}

TEST(Mirror, WithoutOperationsTheConfirmedStateIsShown) {
  EXPECT_EQ(
      shown(kHas12, {}),
      (ShownList{
          Existence::exists, ListMark::settled, kFields, {}, {{1, settled}, {2, settled}}, true}));
}

TEST(Mirror, EveryPendingItemIsMarked) {
  EXPECT_EQ(shown(kHas12, Changes{add(3), remove(1), add(2), remove(9)}).items,
            (Items{{1, removing}, {2, settled}, {3, adding}}));
  EXPECT_EQ(shown(kHas12, Changes{add(3), remove(3)}).items, (Items{{1, settled}, {2, settled}}));
  EXPECT_EQ(shown(kHas12, Changes{kClear, add(4)}).items,
            (Items{{1, removing}, {2, removing}, {4, adding}}));
}

TEST(Mirror, WhatIsRemovedAndAddedAgainComesToTheEnd) {
  EXPECT_EQ(shown(kHas12, Changes{remove(1), add(1)}).items, (Items{{2, settled}, {1, adding}}));
  EXPECT_EQ(shown(kHas12, Changes{remove(1), add(1), remove(1)}).items,
            (Items{{2, settled}, {1, removing}}));
}

TEST(Mirror, FieldsShowTheUpdateAndThatItIsPending) {
  const ShownList list = shown(kHas12, Changes{kRename});
  EXPECT_EQ(list.fields, (ListFields{"Neo-noir", "dark", true, "en"}));
  EXPECT_EQ(list.pending, (PendingFields{.name = true}));
  const Change all{OperationType::update_list, kFields};
  EXPECT_EQ(shown(kHas12, Changes{all}).pending, (PendingFields{true, true, true, true}));
}

TEST(Mirror, AListThatIsCreatedShowsAtOnceWithWhatIsPutOnIt) {
  const ShownList list = shown(kNever, Changes{kCreate, add(1), kRename});
  EXPECT_EQ(list.existence, Existence::exists);
  EXPECT_EQ(list.mark, ListMark::creating);
  EXPECT_EQ(list.fields.name, "Neo-noir");
  EXPECT_EQ(list.items, (Items{{1, adding}}));
  EXPECT_TRUE(list.complete);
}

TEST(Mirror, WithoutItsCreateNothingIsLeftOfWhatWasBuiltUponIt) {
  const ShownList list = shown(kNever, Changes{add(1), kRename, kClear, kDelete});
  EXPECT_EQ(list, shown(kNever, {}));
  EXPECT_TRUE(list.items.empty());
  EXPECT_EQ(list.existence, Existence::never);
}

TEST(Mirror, AListThatIsDeletedKeepsItsFaceUntilItIsGone) {
  const ShownList list = shown(kHas12, Changes{kRename, kDelete, add(3), kClear, kCreate});
  EXPECT_EQ(list.mark, ListMark::deleting);
  EXPECT_EQ(list.existence, Existence::exists);
  EXPECT_EQ(list.fields.name, "Neo-noir");
  EXPECT_EQ(list.items, (Items{{1, settled}, {2, settled}}));
}

TEST(Mirror, OfAListThatNobodyHasAskedForTheOperationsAreShown) {
  const ShownList list = shown({}, Changes{add(3), kRename, remove(4)});
  EXPECT_EQ(list.existence, Existence::unknown);
  EXPECT_EQ(list.items, (Items{{3, adding}}));
  EXPECT_FALSE(list.complete);
  EXPECT_EQ(list.fields.name, "Neo-noir");
  EXPECT_TRUE(shown({}, Changes{kClear}).complete);
  EXPECT_EQ(shown({}, Changes{kDelete}).mark, ListMark::deleting);
}

TEST(Mirror, ARefreshTakesWhatOthersDidAndLeavesWhatStaysInItsPlace) {
  const ListState fetched{Existence::exists, {"Theirs", "dark", true, "en"}, {7, 2, 3, 7}, true};
  const ListState now = rebased(kHas12, fetched);
  EXPECT_EQ(now.fields.name, "Theirs");
  EXPECT_EQ(now.movies, (std::vector<std::int32_t>{2, 7, 3}));
  EXPECT_TRUE(now.complete);
  EXPECT_EQ(rebased({}, fetched).movies, (std::vector<std::int32_t>{7, 2, 3}));
  EXPECT_EQ(rebased(kHas12, {.existence = Existence::gone, .movies = {1}}),
            (ListState{.existence = Existence::gone, .complete = true}));
}

TEST(Mirror, ARefreshKeepsWhatCouldNotBeRead) {
  const ListState part{Existence::exists, {.name = "Theirs"}, {3, 2}, false};
  const ListState now = rebased(kHas12, part);
  EXPECT_EQ(now.fields, (ListFields{"Theirs", "dark", true, "en"}));
  EXPECT_EQ(now.movies, (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_FALSE(now.complete);
  EXPECT_EQ(rebased(kHas12, {}), kHas12);
}

TEST(Mirror, AReadingThatWaitsShowsNothing) {
  const Change refresh{.type = OperationType::refresh_list};
  EXPECT_EQ(shown(kHas12, Changes{add(3), refresh}), shown(kHas12, Changes{add(3)}));
  EXPECT_EQ(shown(kNever, Changes{refresh}), shown(kNever, {}));
}

TEST(Mirror, DifferencesNameWhatContradicts) {
  EXPECT_FALSE(differences(kHas12, kHas12).any());
  ListState other{Existence::exists, {"Other", "light", false, "de"}, {3, 1}, true};
  const Differences found = differences(kHas12, other);
  EXPECT_TRUE(found.name && found.description && found.is_public && found.language);
  EXPECT_FALSE(found.existence);
  EXPECT_EQ(found.only_in_mirror, (std::vector<std::int32_t>{2}));
  EXPECT_EQ(found.only_fetched, (std::vector<std::int32_t>{3}));
}

TEST(Mirror, EachKindOfDifferenceIsOne) {
  for (const ListFields& fields : {ListFields{"x", "dark", true, "en"},
                                   {"Noir", "x", true, "en"},
                                   {"Noir", "dark", false, "en"},
                                   {"Noir", "dark", true, "de"}})
    EXPECT_TRUE(differences(kHas12, {Existence::exists, fields, {1, 2}, true}).any());
  EXPECT_TRUE(differences(kHas12, {Existence::exists, kFields, {1}, true}).any());
  EXPECT_TRUE(differences(kHas12, {Existence::exists, kFields, {1, 2, 3}, true}).any());
  EXPECT_TRUE(differences(kHas12, {.existence = Existence::gone}).existence);
  EXPECT_TRUE(differences({.existence = Existence::gone}, kHas12).existence);
  EXPECT_FALSE(differences(kHas12, {Existence::exists, kFields, {2, 1}, true}).any()) << "order";
}

TEST(Mirror, WhatIsNotKnownIsNoDifference) {
  EXPECT_FALSE(differences({}, kHas12).any());
  EXPECT_FALSE(differences(kHas12, {}).any());
  EXPECT_FALSE(differences(kHas12, {Existence::exists, {}, {1}, false}).any());
  EXPECT_FALSE(differences({Existence::exists, {}, {1}, false}, kHas12).any());
  EXPECT_FALSE(differences(kNever, {.existence = Existence::gone}).any());
}

}  // namespace
}  // namespace spool::list_operations
