#include "handlers/list_operations/reconcile.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "handlers/list_operations/list_model_fixture.hpp"

namespace spool::list_operations {
namespace {

using enum Finding;
using Movies = std::unordered_set<std::int32_t>;

constexpr base::EpochMicros kBegun = 1'767'400'000LL * 1'000'000;
constexpr base::EpochMicros kSecond = 1'000'000;

const ListFields kFields{"Noir", "dark", true, "en"};
const ListState kHas12{Existence::exists, kFields, {1, 2}, true};
const ListState kPart{Existence::exists, kFields, {1}, false};
const ListState kGone{.existence = Existence::gone, .complete = true};

Change movie(OperationType type, std::int32_t id) {
  return {.type = type, .movie_id = id};
}

Finding finding(const Change& change, const ListState& fetched, const Movies& later = {}) {
  const Verdict verdict = reconcile(change, fetched, later);
  EXPECT_FALSE(verdict.why.empty());
  EXPECT_EQ(verdict.list_id, std::nullopt);
  return verdict.finding;
}

TEST(Reconcile, AnAddHadItsEffectIfTheMovieIsThere) {
  const auto type = OperationType::add_movie;
  EXPECT_EQ(finding(movie(type, 1), kHas12), had_effect);
  EXPECT_EQ(finding(movie(type, 3), kHas12), had_no_effect);
  EXPECT_EQ(finding(movie(type, 1), kPart), had_effect);
  EXPECT_EQ(finding(movie(type, 3), kPart), ask_again);
  EXPECT_EQ(finding(movie(type, 1), kGone), had_no_effect);
}

TEST(Reconcile, ARemoveHadItsEffectIfTheMovieIsNotThere) {
  const auto type = OperationType::remove_movie;
  EXPECT_EQ(finding(movie(type, 1), kHas12), had_no_effect);
  EXPECT_EQ(finding(movie(type, 3), kHas12), had_effect);
  EXPECT_EQ(finding(movie(type, 1), kPart), had_no_effect);
  EXPECT_EQ(finding(movie(type, 3), kPart), ask_again);
  EXPECT_EQ(finding(movie(type, 1), kGone), had_effect);
}

TEST(Reconcile, AnUpdateHadItsEffectIfEveryFieldIsAsAskedFor) {
  const auto update = [](const ListFields& fields) {
    return Change{OperationType::update_list, fields};
  };
  EXPECT_EQ(finding(update(kFields), kHas12), had_effect);
  EXPECT_EQ(finding(update({.language = "en"}), kHas12), had_effect);
  EXPECT_EQ(finding(update({.name = "x"}), kHas12), had_no_effect);
  EXPECT_EQ(finding(update({"Noir", "x", {}, {}}), kHas12), had_no_effect);
  EXPECT_EQ(finding(update({.is_public = false}), kHas12), had_no_effect);
  EXPECT_EQ(finding(update({.language = "de"}), kHas12), had_no_effect);
  const ListState nameless{Existence::exists, {.language = "en"}, {}, true};
  EXPECT_EQ(finding(update({.name = "x"}), nameless), had_no_effect) << "is repeated";
  EXPECT_EQ(finding(update({.name = "x"}), kGone), had_no_effect);
}

TEST(Reconcile, ADeleteHadItsEffectIfTheListIsGone) {
  EXPECT_EQ(finding({OperationType::delete_list}, kGone), had_effect);
  EXPECT_EQ(finding({OperationType::delete_list}, kHas12), had_no_effect);
}

TEST(Reconcile, AClearHadItsEffectIfLaterAddsExplainWhatIsThere) {
  const Change clear{OperationType::clear_list};
  EXPECT_EQ(finding(clear, {Existence::exists, {}, {}, true}), had_effect);
  EXPECT_EQ(finding(clear, kHas12), had_no_effect);
  EXPECT_EQ(finding(clear, kHas12, {1}), had_no_effect);
  EXPECT_EQ(finding(clear, kHas12, {1, 2, 3}), had_effect);
  EXPECT_EQ(finding(clear, kPart), had_no_effect);
  EXPECT_EQ(finding(clear, kPart, {1}), ask_again);
  EXPECT_EQ(finding(clear, kGone), had_no_effect);
}

TEST(Reconcile, AReadingHasNoEffectWhateverStandsThere) {
  for (const ListState& fetched : {ListState{}, kGone, kHas12})
    EXPECT_EQ(finding({OperationType::refresh_list}, fetched), had_no_effect);
}

TEST(Reconcile, AListThatCouldNotBeReadIsAskedForAgain) {
  for (const auto type :
       {OperationType::update_list, OperationType::delete_list, OperationType::clear_list,
        OperationType::add_movie, OperationType::remove_movie})
    EXPECT_EQ(finding(movie(type, 1), {}), ask_again) << to_string(type);
}

// Whatever became of the call: acting on the verdict leaves the list as if it had been made once.
TEST(Reconcile, TheVerdictLeadsToTheListThatWasWanted) {
  const std::uint64_t seed = test_seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  RandomLists random(seed);
  int effects = 0;
  for (int round = 0; round < 20'000 && !HasFailure(); ++round) {
    ModelList real = random.list();
    const Change change = random.change();
    if (change.type == OperationType::create_list) continue;
    ModelList wanted = real;
    wanted.perform(change);
    if (random.chance(50)) real.perform(change);
    std::vector<Change> later;
    Movies later_adds;
    for (int i = random.below(4); i > 0; --i) {
      later.push_back(movie(OperationType::add_movie, random.movie()));
      later_adds.insert(later.back().movie_id);
    }
    ListState fetched = real.fetched();
    if (!real.created) fetched = kGone;
    const Verdict verdict = reconcile(change, fetched, later_adds);
    ASSERT_NE(verdict.finding, ask_again) << "all was read";
    if (verdict.finding == had_no_effect) real.perform(change);
    effects += verdict.finding == had_effect ? 1 : 0;
    for (const Change& next : later) {
      real.perform(next);
      wanted.perform(next);
    }
    EXPECT_TRUE(same_to_see(real, wanted)) << to_string(change.type);
  }
  EXPECT_GT(effects, 1'000);
}

class ReconcileCreate : public testing::Test {
 protected:
  Verdict verdict(const std::vector<FoundList>& lists, bool complete = true) const {
    return reconcile_create(doubt_, lists, complete, known_);
  }

  CreateDoubt doubt_{.name = "Noir",
                     .begun_at = kBegun,
                     .ended_at = kBegun + 30 * kSecond,
                     .now = kBegun + 30 * kSecond + kSettlingTime};
  Movies known_{10, 11};
};

TEST_F(ReconcileCreate, TheOneNewListOfItsNameIsIt) {
  const Verdict found = verdict({{10, "Noir"}, {12, "Other"}, {13, "Noir"}, {14, "noir"}});
  EXPECT_EQ(found.finding, had_effect);
  EXPECT_EQ(found.list_id, 13);
}

TEST_F(ReconcileCreate, SeveralAreForAPersonToDecide) {
  EXPECT_EQ(verdict({{13, "Noir"}, {14, "Noir"}}).finding, ambiguous);
  EXPECT_EQ(verdict({{13, "Noir"}, {14, "Noir"}}, false).finding, ambiguous);
  EXPECT_EQ(verdict({{13, "Noir"}, {14, "Noir"}}).list_id, std::nullopt);
  EXPECT_EQ(verdict({{13, "Noir"}, {13, "Noir"}}).list_id, 13) << "the same, on two pages";
}

TEST_F(ReconcileCreate, OneThatMightBeARivalsIsForAPersonToDecide) {
  doubt_.rivals = 1;
  EXPECT_EQ(verdict({{13, "Noir"}}).finding, ambiguous);
  EXPECT_EQ(verdict({}).finding, had_no_effect);
}

TEST_F(ReconcileCreate, NoneProvesNothingUntilThingsHaveSettled) {
  EXPECT_EQ(verdict({{10, "Noir"}, {12, "Other"}}).finding, had_no_effect);
  EXPECT_EQ(verdict({}).finding, had_no_effect);
  doubt_.now -= 1;
  const Verdict early = verdict({});
  EXPECT_EQ(early.finding, ask_again);
  EXPECT_EQ(early.ask_at, doubt_.ended_at + kSettlingTime);
  EXPECT_EQ(verdict({{13, "Noir"}}).list_id, 13) << "what is there is there";
}

TEST_F(ReconcileCreate, UnreadPagesMayHoldAnother) {
  EXPECT_EQ(verdict({}, false).finding, ask_again);
  EXPECT_EQ(verdict({{13, "Noir"}}, false).finding, ask_again);
}

TEST_F(ReconcileCreate, AnOlderListOfThatNameIsNotIt) {
  const base::EpochMicros oldest = kBegun - kClockTolerance;
  EXPECT_EQ(verdict({{13, "Noir", oldest - 1}}).finding, had_no_effect);
  EXPECT_EQ(verdict({{13, "Noir", oldest - 1}, {14, "Noir", kBegun}}).list_id, 14);
  EXPECT_EQ(verdict({{13, "Noir", oldest}}).list_id, 13) << "the clocks may differ";
}

TEST_F(ReconcileCreate, BlanksAroundTheNameMayHaveBeenTaken) {
  doubt_.name = " Noir ";
  EXPECT_EQ(verdict({{13, "Noir"}}).list_id, 13);
  doubt_.name = " ";
  EXPECT_EQ(verdict({{13, ""}}).list_id, 13);
  EXPECT_EQ(verdict({{13, "Noir"}}).finding, had_no_effect);
}

}  // namespace
}  // namespace spool::list_operations
