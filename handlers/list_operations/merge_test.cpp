#include "handlers/list_operations/merge.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spool::list_operations {
namespace {

using Numbers = std::vector<std::size_t>;
using Changes = std::vector<Change>;

const Change kCreate{OperationType::create_list, {"Noir", "", true, "en"}};
const Change kDelete{OperationType::delete_list};
const Change kClear{OperationType::clear_list};

Change add(std::int32_t movie) {
  return {.type = OperationType::add_movie, .movie_id = movie};
}

Change remove(std::int32_t movie) {
  return {.type = OperationType::remove_movie, .movie_id = movie};
}

Change rename(const std::string& name) {
  return {OperationType::update_list, {.name = name}};
}

Change describe(const std::string& description) {
  return {OperationType::update_list, {.description = description}};
}

const ListState kUnknown{};
const ListState kNever{.existence = Existence::never};
const ListState kGone{.existence = Existence::gone, .complete = true};
const ListState kHas1{Existence::exists, {"Noir", "", true, "en"}, {1}, true};
const ListState kPart{Existence::exists, {}, {1}, false};  // what else is on it is not known

Merged admit(const ListState& confirmed, const Changes& in_flight, const Changes& waiting,
             const Change& change) {
  return Merger(confirmed, in_flight, waiting).admit(change);
}

// The numbers of what is swallowed, all for one reason.
Numbers swallowed(const Merged& merged, Reason reason) {
  Numbers numbers;
  for (const Swallowed& one : merged.swallowed) {
    EXPECT_EQ(one.reason, reason) << one.number;
    numbers.push_back(one.number);
  }
  return numbers;
}

void expect_waits_alone(const Merged& merged, const Change& change) {
  EXPECT_TRUE(merged.swallowed.empty());
  EXPECT_EQ(merged.ended, std::nullopt);
  EXPECT_EQ(merged.change, change);
  EXPECT_FALSE(merged.list_over);
}

TEST(Merge, TheNewestAddOrRemoveOfAMovieWins) {
  for (const Change& earlier : {add(2), remove(2)}) {
    for (const Change& later : {add(2), remove(2)}) {
      const Merged merged = admit(kUnknown, {}, {add(1), earlier, rename("a"), remove(3)}, later);
      EXPECT_EQ(swallowed(merged, Reason::newer_for_movie), (Numbers{1}));
      EXPECT_EQ(merged.ended, std::nullopt);
      EXPECT_EQ(merged.change, later);
      EXPECT_EQ(merged.number, 4U);
    }
  }
}

TEST(Merge, OneThatWasNotMergedBeforeIsSwallowedAsWell) {
  const Merged merged = admit(kUnknown, {}, {add(2), add(1), remove(2)}, add(2));
  EXPECT_EQ(swallowed(merged, Reason::newer_for_movie), (Numbers{0, 2}));
}

TEST(Merge, BothVanishWhereTheMirrorProvesThatNothingChanges) {
  for (const auto& [confirmed, earlier, later] :
       {std::tuple(kHas1, remove(1), add(1)), std::tuple(kHas1, add(2), remove(2)),
        std::tuple(kNever, add(1), remove(1)), std::tuple(kPart, remove(1), add(1))}) {
    const Merged merged = admit(confirmed, {}, {earlier}, later);
    EXPECT_EQ(swallowed(merged, Reason::no_net_effect), (Numbers{0}));
    EXPECT_EQ(merged.ended, Reason::no_net_effect);
  }
  EXPECT_EQ(admit(kNever, {kCreate}, {add(1)}, remove(1)).ended, Reason::no_net_effect);
  EXPECT_EQ(admit(kHas1, {add(3)}, {add(2)}, remove(2)).ended, Reason::no_net_effect);
}

TEST(Merge, WithoutProofTheNewestIsCarriedOut) {
  EXPECT_EQ(admit(kUnknown, {}, {remove(1)}, add(1)).ended, std::nullopt);
  EXPECT_EQ(admit(kUnknown, {}, {add(1)}, remove(1)).ended, std::nullopt);
  EXPECT_EQ(admit(kPart, {}, {add(2)}, remove(2)).ended, std::nullopt);
  EXPECT_EQ(admit(kHas1, {}, {add(1)}, remove(1)).ended, std::nullopt) << "it is there";
  EXPECT_EQ(admit(kHas1, {}, {remove(2)}, add(2)).ended, std::nullopt) << "it is not there";
  EXPECT_EQ(admit(kNever, {}, {kCreate, remove(2)}, add(2)).ended, std::nullopt);
}

TEST(Merge, WhatIsInFlightForbidsToVanish) {
  for (const Change& begun : {add(2), remove(2), kClear})
    EXPECT_EQ(admit(kHas1, {begun}, {add(2)}, remove(2)).ended, std::nullopt);
  for (const Change& begun : {add(1), remove(1), kClear, kDelete})
    EXPECT_EQ(admit(kHas1, {begun}, {remove(1)}, add(1)).ended, std::nullopt);
  EXPECT_EQ(admit(kHas1, {}, {kClear, remove(1)}, add(1)).ended, std::nullopt);
}

TEST(Merge, TheSameAskedForTwiceIsAskedForOnceWhateverTheMirrorSays) {
  EXPECT_EQ(admit(kHas1, {}, {add(1)}, add(1)).ended, std::nullopt);
  EXPECT_EQ(admit(kHas1, {}, {remove(2)}, remove(2)).ended, std::nullopt);
  expect_waits_alone(admit(kHas1, {}, {}, add(1)), add(1));
}

const Change kRefresh{.type = OperationType::refresh_list};
const Change kCompare{.type = OperationType::refresh_list, .compare_only = true};

TEST(Merge, OneReadingOfAListIsEnoughButComparingReplacesNoRefresh) {
  EXPECT_EQ(swallowed(admit(kHas1, {}, {kRefresh, add(2)}, kRefresh), Reason::newer_refresh),
            (Numbers{0}));
  EXPECT_EQ(swallowed(admit(kHas1, {}, {kCompare, add(2)}, kCompare), Reason::newer_refresh),
            (Numbers{0}));
  EXPECT_EQ(
      swallowed(admit(kHas1, {}, {kRefresh, add(2), kCompare}, kRefresh), Reason::newer_refresh),
      (Numbers{0, 2}));
  EXPECT_EQ(swallowed(admit(kHas1, {}, {kRefresh, kCompare}, kCompare), Reason::newer_refresh),
            (Numbers{1}));
  expect_waits_alone(admit(kHas1, {}, {kRefresh}, kCompare), kCompare);
  expect_waits_alone(admit(kHas1, {kRefresh}, {add(2)}, kRefresh), kRefresh);
}

TEST(Merge, WhatIsGoneOrGoingIsNotRead) {
  EXPECT_EQ(admit(kGone, {}, {}, kRefresh).ended, Reason::nothing_to_read);
  EXPECT_EQ(admit(kHas1, {kDelete}, {}, kCompare).ended, Reason::nothing_to_read);
  EXPECT_EQ(admit(kHas1, {}, {kDelete}, kRefresh).ended, Reason::nothing_to_read);
  EXPECT_EQ(swallowed(admit(kHas1, {}, {add(2), kRefresh}, kDelete), Reason::list_deleted),
            (Numbers{0, 1}));
  expect_waits_alone(admit(kNever, {}, {kCreate}, kRefresh), kRefresh);
}

TEST(Merge, AReadingStandsInNobodysWay) {
  for (const Changes& in_flight : {Changes{}, Changes{kRefresh}}) {
    EXPECT_EQ(admit(kHas1, in_flight, {add(2), kRefresh}, remove(2)).ended, Reason::no_net_effect);
    EXPECT_EQ(swallowed(admit(kHas1, in_flight, {rename("a"), kRefresh}, describe("b")),
                        Reason::merged_in_update),
              (Numbers{0}));
    EXPECT_EQ(
        swallowed(admit(kHas1, in_flight, {add(2), kRefresh, remove(1)}, kClear), Reason::cleared),
        (Numbers{0, 2}));
  }
}

TEST(Merge, WaitingUpdatesMergeFieldByFieldAndTheLaterWins) {
  const Change both{OperationType::update_list, {.name = "b", .language = "de"}};
  const Merged merged = admit(kHas1, {}, {rename("a"), add(2), describe("x")}, both);
  EXPECT_EQ(swallowed(merged, Reason::merged_in_update), (Numbers{0, 2}));
  EXPECT_EQ(merged.change.fields, (ListFields{"b", "x", std::nullopt, "de"}));
  EXPECT_EQ(merged.ended, std::nullopt);
}

TEST(Merge, AnUpdateThatHasBegunIsNotTouched) {
  expect_waits_alone(admit(kHas1, {rename("a")}, {}, describe("x")), describe("x"));
}

TEST(Merge, AnUpdateIsNotMergedAcrossTheCreate) {
  expect_waits_alone(admit(kNever, {}, {rename("a"), kCreate}, describe("x")), describe("x"));
}

TEST(Merge, ClearSwallowsEarlierAddsAndRemoves) {
  const Merged merged = admit(kHas1, {add(5)}, {add(2), rename("a"), remove(1), kClear}, kClear);
  EXPECT_EQ(swallowed(merged, Reason::cleared), (Numbers{0, 2}));
  EXPECT_EQ(merged.ended, std::nullopt);
}

TEST(Merge, DeleteSwallowsEverythingThatWaits) {
  const Changes waiting{add(2), rename("a"), kClear, kDelete, add(3)};
  const Merged merged = admit(kHas1, {remove(1)}, waiting, kDelete);
  EXPECT_EQ(swallowed(merged, Reason::list_deleted), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(merged.ended, std::nullopt);
  EXPECT_FALSE(merged.list_over);
}

TEST(Merge, DeleteVanishesWithACreateThatHasNotBegun) {
  const Merged merged = admit(kNever, {}, {kCreate, add(2), rename("a")}, kDelete);
  EXPECT_EQ(swallowed(merged, Reason::never_created), (Numbers{0, 1, 2}));
  EXPECT_EQ(merged.ended, Reason::never_created);
  EXPECT_TRUE(merged.list_over);
}

TEST(Merge, DeleteIsCarriedOutWhereTheCreateHasBegun) {
  const Merged merged = admit(kNever, {kCreate}, {add(2)}, kDelete);
  EXPECT_EQ(swallowed(merged, Reason::list_deleted), (Numbers{0}));
  EXPECT_EQ(merged.ended, std::nullopt);
}

TEST(Merge, WhatComesBehindADeleteIsLeftAlone) {
  for (const Change& later : {add(2), remove(2), rename("a"), kClear}) {
    expect_waits_alone(admit(kHas1, {}, {kDelete, add(2), rename("b")}, later), later);
    expect_waits_alone(admit(kHas1, {kDelete}, {add(2), rename("b")}, later), later);
    expect_waits_alone(admit(kGone, {}, {add(2), rename("b")}, later), later);
  }
}

TEST(Merge, ASecondCreateOfTheSameRefIsADuplicate) {
  EXPECT_EQ(admit(kNever, {}, {kCreate}, kCreate).ended, Reason::duplicate_create);
  EXPECT_EQ(admit(kNever, {kCreate}, {}, kCreate).ended, Reason::duplicate_create);
  EXPECT_EQ(admit(kHas1, {}, {}, kCreate).ended, Reason::duplicate_create);
  EXPECT_EQ(admit(kGone, {}, {}, kCreate).ended, Reason::duplicate_create) << "one life";
  expect_waits_alone(admit(kNever, {}, {}, kCreate), kCreate);
  expect_waits_alone(admit(kNever, {kDelete}, {kDelete}, kCreate), kCreate);
}

TEST(Merge, AListThatVanishedIsOver) {
  Merger merger(kNever, {}, {});
  EXPECT_EQ(merger.admit(kCreate).ended, std::nullopt);
  EXPECT_TRUE(merger.admit(kDelete).list_over);
  EXPECT_EQ(merger.admit(kCreate).ended, Reason::duplicate_create);
  expect_waits_alone(merger.admit(add(1)), add(1));
  expect_waits_alone(merger.admit(add(1)), add(1));
  const Merged last = merger.admit(kDelete);
  EXPECT_EQ(swallowed(last, Reason::list_deleted), (Numbers{3, 4}));
  EXPECT_EQ(last.ended, std::nullopt);
}

TEST(Merge, ABatchGoesThroughOneMerger) {
  Merger merger(kHas1, {}, {});
  EXPECT_EQ(merger.admit(add(2)).number, 0U);
  EXPECT_EQ(merger.admit(rename("a")).number, 1U);
  EXPECT_EQ(swallowed(merger.admit(remove(2)), Reason::no_net_effect), (Numbers{0}));
  EXPECT_TRUE(merger.admit(add(2)).swallowed.empty()) << "the pair is gone";
  EXPECT_EQ(swallowed(merger.admit(kClear), Reason::cleared), (Numbers{3}));
  EXPECT_EQ(merger.admit(describe("x")).change.fields, (ListFields{"a", "x", {}, {}}));
  EXPECT_EQ(swallowed(merger.admit(kDelete), Reason::list_deleted), (Numbers{4, 5}));
}

TEST(Merge, AClearThatWasSwallowedForbidsNothing) {
  Merger merger(kNever, {}, {});
  for (const Change& change : {kClear, kDelete, kCreate, add(1)}) merger.admit(change);
  EXPECT_EQ(merger.admit(remove(1)).ended, Reason::no_net_effect);
}

// Quadratic cost would not end within the test's time.
TEST(Merge, ManyOperationsOfOneListCostLittleEach) {
  ListState large = kHas1;
  for (std::int32_t movie = 2; movie < 100'000; ++movie) large.movies.push_back(movie);
  Merger merger(large, {}, {});
  std::size_t gone = 0;
  for (std::int32_t i = 0; i < 300'000; ++i) {
    const std::int32_t movie = 1 + i / 2;
    const Merged merged = merger.admit(i % 2 == 0 ? remove(movie) : add(movie));
    gone += merged.swallowed.size() + (merged.ended ? 1 : 0);
    if (i % 7 == 0) gone += merger.admit(rename("a")).swallowed.size();
    if (i >= 150'000 && i % 3 == 0) gone += merger.admit(kClear).swallowed.size();
  }
  EXPECT_GT(gone, 200'000U);
  EXPECT_FALSE(merger.admit(kDelete).swallowed.empty());
  std::size_t deletes = 0;
  for (int i = 0; i < 600'000; ++i) deletes += merger.admit(kDelete).swallowed.size();
  EXPECT_EQ(deletes, 600'000U);
}

TEST(Merge, EveryReasonIsToldInWords) {
  for (const Reason reason :
       {Reason::newer_for_movie, Reason::merged_in_update, Reason::cleared, Reason::list_deleted,
        Reason::no_net_effect, Reason::never_created, Reason::duplicate_create})
    EXPECT_FALSE(to_string(reason).empty());
}

}  // namespace
}  // namespace spool::list_operations
