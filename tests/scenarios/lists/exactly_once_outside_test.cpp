// The story: 200 users keep lists, the service answers badly in every way that it can (answers lost
// after the deed, errors after the deed, HTML, resets, a trickle), the worker is killed twenty
// times, and the database is set back to what it was four lives before, with everything that was
// called since. At the end each operation has had its effect once, in the order of its list, no
// list exists twice, and the mirror shows what the service has.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kUsers = 200;
constexpr int kListsOfAUser = 2;
constexpr int kOperations = 5'000;

const char* const kFaults = R"([
  {"route": "list.*", "kind": "drop_answer_after_write", "probability": 0.02},
  {"route": "list.delete", "kind": "delete_500_11", "probability": 0.3},
  {"route": "list.*", "kind": "html_429", "probability": 0.01, "retry_after": 1},
  {"route": "list.*", "kind": "rate_limited", "probability": 0.01, "retry_after": 1},
  {"route": "list.*", "kind": "html_200", "probability": 0.01},
  {"route": "list.*", "kind": "reset_before", "probability": 0.01},
  {"route": "list.*", "kind": "reset_after", "probability": 0.01},
  {"route": "list.*", "kind": "trickle", "probability": 0.002, "ms": 100},
  {"route": "list.*", "kind": "latency_ms", "probability": 1, "ms": 5}
])";

// Creates first; then movies that come and go, and now and then a list that is deleted. No movie is
// added to or removed from a list twice, so that every operation has an effect of its own.
std::vector<ListOperation> produce(std::mt19937_64& random) {
  std::vector<ListOperation> all;
  std::map<int, int> next_movie;
  std::map<int, std::vector<int>> present;
  std::set<int> deleted;
  const auto add = [&](const char* type, int list, int movie, std::string name) {
    ListOperation operation;
    operation.id = "op-" + std::to_string(all.size());
    operation.type = type;
    operation.user = 1 + list / kListsOfAUser;
    operation.ref = 1 + list;
    operation.movie = movie;
    operation.name = std::move(name);
    all.push_back(std::move(operation));
  };
  const int lists = kUsers * kListsOfAUser;
  for (int list = 0; list < lists; ++list)
    add("create_list", list, 0, "list " + std::to_string(list));
  while (all.size() < kOperations) {
    const int list = static_cast<int>(random() % lists);
    if (deleted.contains(list)) continue;
    auto& movies = present[list];
    const auto dice = random() % 100;
    if (dice == 0 && deleted.size() < 20) {
      add("delete_list", list, 0, {});
      deleted.insert(list);
    } else if (dice < 25 && !movies.empty()) {
      add("remove_movie", list, movies.back(), {});
      movies.pop_back();
    } else {
      movies.push_back(100 + next_movie[list]++);
      add("add_movie", list, movies.back(), {});
    }
  }
  return all;
}

// Every effect that the ledger has, more often than once.
std::vector<std::string> repeated(const std::vector<StandinEffect>& ledger) {
  std::map<std::tuple<std::int64_t, std::string, std::int64_t>, int> seen;
  std::map<std::string, int> created;
  std::vector<std::string> twice;
  for (const StandinEffect& effect : ledger) {
    if (!effect.changed) continue;
    const bool again = effect.kind == "create"
                           ? ++created[effect.name] > 1
                           : ++seen[{effect.list_id, effect.kind, effect.media_id}] > 1;
    if (again) {
      twice.push_back(effect.kind + " " + effect.name + std::to_string(effect.list_id) + "/" +
                      std::to_string(effect.media_id));
    }
  }
  return twice;
}

TEST(ExactlyOnceOutside, WhateverTheServiceTheWorkerAndTheDatabaseDo) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ListStage stage({.users = kUsers,
                   .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "worker-1"},
                              {"SPOOL__HANDLERS__LIST_OPERATIONS__CONCURRENCY", "32"},
                              {"SPOOL__BREAKER__OPEN_FOR", "200ms"}}});
  stage.standin().set_faults(kFaults);
  const std::vector<ListOperation> operations = produce(random);
  stage.publish(operations);
  for (int life = 0; life < 20; ++life) {
    WorkerProcess& worker = stage.start_worker();
    const std::size_t done = stage.standin().ledger().size();
    const std::size_t more = 1 + random() % 60;
    const bool worked = stage.wait_until([&] {
      return stage.standin().ledger().size() >= std::min<std::size_t>(done + more, 4'500);
    });
    ASSERT_TRUE(worked) << worker.tail();
    worker.kill();
    if (life == 7) stage.save_database();
    if (life == 11) stage.restore_database();
  }
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done(std::chrono::seconds(150))) << stage.undone() << stage.logs();
  const auto ledger = stage.standin().ledger();
  EXPECT_EQ(repeated(ledger), std::vector<std::string>());
  EXPECT_EQ(stage.operations("failed"), 0);
  EXPECT_EQ(stage.operations("completed"), kOperations);
  EXPECT_EQ(stage.mirror(), stage.service());
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
