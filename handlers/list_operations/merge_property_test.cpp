// Whatever is asked for, begun, withdrawn and carried out in whatever order: the merged queue
// leaves the lists as the whole sequence would have left them, with never more calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "handlers/list_operations/list_model_fixture.hpp"
#include "handlers/list_operations/merge.hpp"
#include "handlers/list_operations/mirror.hpp"

namespace spool::list_operations {
namespace {

enum class Stage { waits, begun, performed };

struct Queued {
  int id;
  Change change;
  bool left_alone = false;  // was admitted behind a delete
  Stage stage = Stage::waits;
  bool done = false;  // what the service said
};

// One list with its queue, and beside it the list as it would be without any queue.
class Lane {
 public:
  Lane(RandomLists& random, bool withdraws) : random_(random), withdraws_(withdraws) {
    wanted_ = random.list();
    service_ = wanted_;
    service_.creates = 0;
    confirmed_ = random.known_of(wanted_);
  }

  // A batch of new operations through one merger; each of them through a merger of its own as well,
  // which must say the same.
  void admit(int count) {
    const ListState confirmed = confirmed_;
    const std::vector<Change> in_flight = changes(false);
    const std::vector<Change> waiting = changes(true);
    std::vector<int> ids;
    for (const Queued& queued : queue_) {
      if (queued.stage == Stage::waits) ids.push_back(queued.id);
    }
    Merger batch(confirmed, in_flight, waiting);
    for (; count > 0 && !testing::Test::HasFailure(); --count) {
      const Change change = random_.change();
      wanted_.perform(change);
      if (change.type != OperationType::refresh_list) ++asked_;
      std::vector<int> own_ids;
      for (const Queued& queued : queue_) {
        if (queued.stage == Stage::waits) own_ids.push_back(queued.id);
      }
      const Merged alone = Merger(confirmed_, changes(false), changes(true)).admit(change);
      const Merged merged = batch.admit(change);
      ids.push_back(next_id_);
      ASSERT_EQ(merged.number + 1, ids.size());
      EXPECT_EQ(by_id(merged, ids), by_id(alone, own_ids));
      EXPECT_EQ(merged.ended, alone.ended);
      EXPECT_EQ(merged.change, alone.change);
      EXPECT_EQ(merged.list_over, alone.list_over);
      take(merged, ids);
    }
  }

  bool idle() const { return queue_.empty(); }

  // The next thing happens to the first of the queue.
  void step() {
    if (queue_.empty()) return;
    Queued& first = queue_.front();
    switch (first.stage) {
      case Stage::waits:
        first.stage = Stage::begun;
        return;
      case Stage::begun:
        if (withdraws_ && random_.chance(30)) {
          first.stage = Stage::waits;
          return;
        }
        first.done = service_.perform(first.change);
        first.stage = Stage::performed;
        if (first.change.type != OperationType::refresh_list) ++calls_;
        return;
      case Stage::performed:
        if (first.change.type == OperationType::refresh_list) {
          if (can_be_changed(confirmed_.existence) && !first.change.compare_only)
            confirmed_ = rebased(confirmed_, service_.fetched());
        } else if (first.done) {
          confirm(confirmed_, first.change);
        }
        queue_.erase(queue_.begin());
        if (queue_.empty()) expect_true_of(confirmed_, service_);
        return;
    }
  }

  void expect_tidy() const;

  void expect_the_end() const {
    EXPECT_TRUE(same_to_see(wanted_, service_));
    EXPECT_LE(calls_, asked_);
    EXPECT_LE(service_.creates, 1) << "created twice";
  }

  int calls() const { return calls_; }
  int asked() const { return asked_; }

 private:
  std::vector<Change> changes(bool waiting) const {
    std::vector<Change> found;
    for (const Queued& queued : queue_) {
      if ((queued.stage == Stage::waits) == waiting) found.push_back(queued.change);
    }
    return found;
  }

  bool behind_a_delete() const {
    return std::any_of(queue_.begin(), queue_.end(), [](const Queued& queued) {
      return queued.change.type == OperationType::delete_list;
    });
  }

  static std::vector<std::pair<int, Reason>> by_id(const Merged& merged,
                                                   const std::vector<int>& ids) {
    std::vector<std::pair<int, Reason>> found;
    for (const Swallowed& one : merged.swallowed)
      found.emplace_back(ids.at(one.number), one.reason);
    return found;
  }

  void take(const Merged& merged, const std::vector<int>& ids) {
    for (const Swallowed& one : merged.swallowed) {
      const int id = ids.at(one.number);
      const auto found = std::find_if(queue_.begin(), queue_.end(),
                                      [&](const Queued& queued) { return queued.id == id; });
      ASSERT_NE(found, queue_.end()) << "swallowed twice";
      ASSERT_EQ(found->stage, Stage::waits) << "it has begun";
      queue_.erase(found);
    }
    if (merged.list_over) confirmed_ = {.existence = Existence::gone, .complete = true};
    if (!merged.ended) queue_.push_back({next_id_, merged.change, behind_a_delete()});
    ++next_id_;
  }

  RandomLists& random_;
  bool withdraws_;
  ModelList wanted_;
  ModelList service_;
  ListState confirmed_;
  std::vector<Queued> queue_;
  int next_id_ = 0;
  int asked_ = 0;
  int calls_ = 0;
};

// What waits is as short as the rules make it, where nothing that was withdrawn has come between.
void Lane::expect_tidy() const {
  if (withdraws_) return;
  std::vector<std::int32_t> movies;
  int updates = 0;
  bool compares = false;
  bool deleted = confirmed_.existence == Existence::gone;
  for (const Queued& queued : queue_) {
    const OperationType type = queued.change.type;
    if (type == OperationType::create_list) deleted = false;
    if (type == OperationType::create_list || type == OperationType::delete_list) {
      movies.clear();
      updates = 0;
      compares = false;
    }
    if (type == OperationType::delete_list) deleted = true;
    if (queued.stage != Stage::waits || queued.left_alone || deleted) continue;
    if (type == OperationType::clear_list) {
      EXPECT_TRUE(movies.empty()) << "and cleared";
    }
    if (type == OperationType::update_list) {
      EXPECT_EQ(++updates, 1);
    }
    if (type == OperationType::refresh_list) {
      EXPECT_FALSE(compares) << "one more reads the list behind it";
      compares = queued.change.compare_only;
    }
    if (queued.change.movie_id == 0) continue;
    EXPECT_EQ(std::count(movies.begin(), movies.end(), queued.change.movie_id), 0);
    movies.push_back(queued.change.movie_id);
  }
  // A list of which nothing has begun and whose delete is waiting was not created by its queue.
  if (deleted && !queue_.empty() && queue_.front().stage == Stage::waits) {
    EXPECT_NE(queue_.front().change.type, OperationType::create_list) << "vanishes with its delete";
  }
}

TEST(MergeProperty, TheMergedQueueDoesWhatTheWholeSequenceDoes) {
  const std::uint64_t seed = test_seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  RandomLists random(seed);
  int asked = 0;
  int calls = 0;
  for (int round = 0; round < 1'500 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const bool withdraws = random.chance(30);
    // Which list goes first is the priorities' affair; here it is chance.
    std::vector<Lane> lanes;
    for (int i = 0; i < 3; ++i) lanes.emplace_back(random, withdraws);
    const int admissions = 5 + random.below(60);
    for (int i = 0; i < admissions && !HasFailure(); ++i) {
      Lane& lane = lanes[static_cast<std::size_t>(random.below(3))];
      if (random.chance(55)) {
        lane.admit(1 + random.below(8));
        lane.expect_tidy();
      } else {
        lane.step();
      }
    }
    for (Lane& lane : lanes) {
      while (!lane.idle()) lane.step();
      lane.expect_the_end();
      asked += lane.asked();
      calls += lane.calls();
    }
  }
  EXPECT_LT(calls, asked * 3 / 4) << "hardly anything was merged";
  EXPECT_GT(calls, asked / 10);
}

// What is left of operations, and what they wait for, by one merger.
std::vector<Change> left_of(const ListState& confirmed, const std::vector<Change>& in_flight,
                            const std::vector<Change>& waiting,
                            const std::vector<Change>& admitted) {
  Merger merger(confirmed, in_flight, waiting);
  std::vector<std::optional<Change>> queue(waiting.begin(), waiting.end());
  for (const Change& change : admitted) {
    Merged merged = merger.admit(change);
    for (const Swallowed& one : merged.swallowed) queue[one.number].reset();
    queue.emplace_back(std::move(merged.change));
    if (merged.ended) queue.back().reset();
  }
  std::vector<Change> left;
  for (const std::optional<Change>& change : queue) {
    if (change && change->type != OperationType::refresh_list) left.push_back(*change);
  }
  return left;
}

std::vector<Change> without_refreshes(std::vector<Change> changes) {
  std::erase_if(changes,
                [](const Change& change) { return change.type == OperationType::refresh_list; });
  return changes;
}

TEST(MergeProperty, WithReadingsInBetweenTheSameIsLeft) {
  const std::uint64_t seed = test_seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  RandomLists random(seed);
  const auto some = [&](int count) {
    std::vector<Change> changes;
    for (int i = random.below(count); i > 0; --i) {
      changes.push_back(random.change());
      if (random.chance(30))
        changes.push_back({.type = OperationType::refresh_list, .compare_only = random.chance(50)});
    }
    return changes;
  };
  for (int round = 0; round < 20'000 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const ListState confirmed = random.known_of(random.list());
    const auto in_flight = some(3);
    const auto waiting = some(6);
    const auto admitted = some(12);
    EXPECT_EQ(left_of(confirmed, in_flight, waiting, admitted),
              left_of(confirmed, without_refreshes(in_flight), without_refreshes(waiting),
                      without_refreshes(admitted)));
  }
}

}  // namespace
}  // namespace spool::list_operations
