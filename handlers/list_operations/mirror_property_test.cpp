// Whatever is admitted, carried out, refused, called off, changed by others and read in whatever
// order: what is shown is the truth with the unfinished operations on top, and in the end the
// truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "handlers/list_operations/list_model_fixture.hpp"
#include "handlers/list_operations/mirror.hpp"

namespace spool::list_operations {
namespace {

std::vector<std::int32_t> visible(const ShownList& list) {
  std::vector<std::int32_t> movies;
  for (const ShownItem& item : list.items) {
    if (item.mark != ItemMark::removing) movies.push_back(item.movie_id);
  }
  return movies;
}

void expect_shows(const ShownList& list, const ModelList& model) {
  const bool there = list.existence == Existence::exists && list.mark != ListMark::deleting;
  ASSERT_EQ(there, model.exists());
  std::set<std::int32_t> once;
  for (const ShownItem& item : list.items) EXPECT_TRUE(once.insert(item.movie_id).second);
  if (!there) return;
  EXPECT_EQ(list.fields, model.fetched().fields);
  EXPECT_EQ(visible(list), model.movies) << "in the order of adding";
}

// The marks follow from what is confirmed and what is shown, however it came about.
void expect_marks(const ShownList& list, const ListState& confirmed,
                  const std::vector<Change>& unfinished) {
  const std::set<std::int32_t> before(confirmed.movies.begin(), confirmed.movies.end());
  PendingFields pending;
  for (const Change& change : unfinished) {
    if (change.type != OperationType::update_list) continue;
    pending.name |= change.fields.name.has_value();
    pending.description |= change.fields.description.has_value();
    pending.is_public |= change.fields.is_public.has_value();
    pending.language |= change.fields.language.has_value();
  }
  for (const ShownItem& item : list.items) {
    if (item.mark != ItemMark::adding) {
      EXPECT_TRUE(before.contains(item.movie_id));
    }
    if (!before.contains(item.movie_id)) {
      EXPECT_EQ(item.mark, ItemMark::adding);
    }
  }
  std::set<std::int32_t> shown_ones;
  for (const ShownItem& item : list.items) shown_ones.insert(item.movie_id);
  for (const std::int32_t movie : before)
    EXPECT_TRUE(shown_ones.contains(movie)) << movie << " vanished before it was removed";
  if (unfinished.empty()) {
    EXPECT_EQ(list.mark, ListMark::settled);
    EXPECT_EQ(list.pending, PendingFields{});
    for (const ShownItem& item : list.items) EXPECT_EQ(item.mark, ItemMark::settled);
  }
  if (list.mark == ListMark::settled && list.existence == Existence::exists) {
    EXPECT_EQ(list.pending, pending);
  }
}

class Life {
 public:
  explicit Life(RandomLists& random) : random_(random), service_(random.list()) {
    confirmed_ = service_.fetched();
  }

  void admit() { unfinished_.push_back(random_.change()); }

  // The first one is carried out, or fails without effect.
  void finish() {
    if (unfinished_.empty()) return;
    const Change change = unfinished_.front();
    unfinished_.erase(unfinished_.begin());
    if (change.type == OperationType::refresh_list) return refresh();
    if (random_.chance(25) || !service_.perform(change)) return;
    confirm(confirmed_, change);
  }

  void cancel() {
    if (unfinished_.empty()) return;
    const int which = random_.below(static_cast<int>(unfinished_.size()));
    unfinished_.erase(unfinished_.begin() + which);
  }

  // Somebody else works on the list, and a refresh shows it.
  void others() {
    if (!service_.exists()) return;
    for (int i = random_.below(4); i > 0; --i) service_.perform(random_.change());
    refresh();
  }

  // The turn of one that reads the list, of which nothing is under way then. A list that was never
  // created is not read.
  void refresh() {
    if (!service_.created) return;
    const ListState now = service_.fetched();
    EXPECT_EQ(differences(confirmed_, now).any(), !same(confirmed_, now));
    const std::vector<std::int32_t> before = confirmed_.movies;
    confirmed_ = rebased(confirmed_, now);
    EXPECT_FALSE(differences(confirmed_, now).any());
    EXPECT_TRUE(std::is_permutation(confirmed_.movies.begin(), confirmed_.movies.end(),
                                    now.movies.begin(), now.movies.end()));
    std::vector<std::int32_t> stay = before;
    std::erase_if(stay, [&](std::int32_t movie) { return !service_.movie_set().contains(movie); });
    if (service_.exists()) {
      ASSERT_LE(stay.size(), confirmed_.movies.size());
      EXPECT_TRUE(std::equal(stay.begin(), stay.end(), confirmed_.movies.begin())) << "places";
    }
    service_.movies = confirmed_.movies;  // in which order is nobody's matter
  }

  void check() const {
    ModelList expected = service_;
    for (const Change& change : unfinished_) expected.perform(change);
    const ShownList list = shown(confirmed_, unfinished_);
    expect_shows(list, expected);
    expect_marks(list, confirmed_, unfinished_);
    expect_true_of(confirmed_, service_);
  }

  bool idle() const { return unfinished_.empty(); }

 private:
  static bool same(const ListState& a, const ListState& b) {
    const auto movies = [](const ListState& state) {
      return std::set<std::int32_t>(state.movies.begin(), state.movies.end());
    };
    if ((a.existence == Existence::exists) != (b.existence == Existence::exists)) return false;
    return a.existence != Existence::exists || (a.fields == b.fields && movies(a) == movies(b));
  }

  RandomLists& random_;
  ModelList service_;
  ListState confirmed_;
  std::vector<Change> unfinished_;
};

TEST(MirrorProperty, WhatIsShownIsTheTruthWithTheUnfinishedOnTop) {
  const std::uint64_t seed = test_seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  RandomLists random(seed);
  for (int round = 0; round < 5'000 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Life life(random);
    life.check();
    for (int i = random.below(40); i > 0 && !HasFailure(); --i) {
      const int dice = random.below(100);
      if (dice < 45) {
        life.admit();
      } else if (dice < 70) {
        life.finish();
      } else if (dice < 85) {
        life.cancel();
      } else {
        life.others();
      }
      life.check();
    }
    while (!life.idle()) life.finish();
    life.check();
  }
}

// Rolling back leaves no trace: as if the operation had never been.
TEST(MirrorProperty, AnOperationThatFailsWasNeverThere) {
  const std::uint64_t seed = test_seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  RandomLists random(seed);
  for (int round = 0; round < 3'000 && !HasFailure(); ++round) {
    const ModelList service = random.list();
    ListState confirmed = random.known_of(service);
    std::vector<Change> succeeding;
    for (int i = random.below(15); i > 0; --i) succeeding.push_back(random.change());
    const ShownList before = shown(confirmed, succeeding);
    std::vector<Change> all = succeeding;
    const auto at = static_cast<std::size_t>(random.below(static_cast<int>(all.size()) + 1));
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), random.change());
    const ShownList with = shown(confirmed, all);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(shown(confirmed, all), before);
    for (const Change& change : all) confirm(confirmed, change);
    const ShownList settled = shown(confirmed, {});
    if (before.mark != ListMark::deleting) {
      EXPECT_EQ(visible(before), visible(settled));
    }
    if (before.mark != ListMark::deleting) {
      EXPECT_EQ(before.fields, settled.fields);
    }
  }
}

}  // namespace
}  // namespace spool::list_operations
