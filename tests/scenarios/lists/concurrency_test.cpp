// The story: 1,000 users ask for something at once and the service is slow. One worker has as many
// calls under way as it may, no more; of one user no more than a user may have; and the operations
// of one list go to the service one by one, each after the answer to the one before, in their
// order.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kUsers = 1'000;
constexpr int kConcurrency = 200;
constexpr int kOfOneUser = 4;

// How many of them were with the stand-in at the same time, at most: each from its arrival until
// its answer may have left.
int most_at_once(const std::vector<StandinRequest>& requests) {
  std::vector<std::pair<double, int>> changes;
  for (const StandinRequest& request : requests) {
    changes.emplace_back(request.at_ms, 1);
    changes.emplace_back(request.leaves_ms, -1);
  }
  std::ranges::sort(changes);  // what leaves in a moment goes before what comes in it
  int now = 0;
  int most = 0;
  for (const auto& [at_ms, change] : changes) most = std::max(most, now += change);
  return most;
}

Environment patient(const std::string& concurrency) {
  return {{"SPOOL__HANDLERS__LIST_OPERATIONS__CONCURRENCY", concurrency},
          {"SPOOL__HANDLERS__LIST_OPERATIONS__KEY_CONCURRENCY", std::to_string(kOfOneUser)},
          {"SPOOL__HANDLERS__LIST_OPERATIONS__TIMEOUT", "60s"},
          {"SPOOL__UPSTREAM__TMDB__TIMEOUT", "30s"},
          {"SPOOL__UPSTREAM__TMDB__CONNECTIONS_MAX", concurrency}};
}

TEST(Concurrency, IsThatOfTheConfiguration) {
  ListStage stage({.users = kUsers, .worker = patient(std::to_string(kConcurrency))});
  // Long enough for a slow machine to begin two hundred calls.
  stage.standin().set_faults(R"([{"route": "list.*", "kind": "latency_ms", "ms": 400}])");
  std::vector<ListOperation> operations;
  for (int user = 1; user <= kUsers; ++user) {
    const std::string id = "list of " + std::to_string(user);
    operations.push_back({.id = id, .type = "create_list", .user = user, .ref = user, .name = id});
  }
  stage.publish(operations);
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  const auto requests = stage.standin().requests();
  EXPECT_EQ(requests.size(), static_cast<std::size_t>(kUsers));
  EXPECT_GT(most_at_once(requests), kConcurrency / 2);
  EXPECT_LE(most_at_once(requests), kConcurrency);
  EXPECT_EQ(stage.operations("completed"), kUsers);
  EXPECT_EQ(stage.mirror(), stage.service());
  stage.expect_conserved();
}

TEST(Concurrency, LeavesEachListItsOrder) {
  constexpr int kFew = 20;
  constexpr int kLists = 6;  // of each of them: more than a user may have calls
  constexpr int kMovies = 10;
  ListStage stage({.users = kFew, .worker = patient("64")});
  stage.standin().set_faults(
      R"([{"route": "list.*", "kind": "latency_ms", "ms": 20},
          {"route": "list.*", "kind": "latency_ms", "ms": 60, "probability": 0.2}])");
  std::vector<ListOperation> operations;
  for (int movie = 0; movie <= kMovies; ++movie) {
    for (int list = 0; list < kFew * kLists; ++list) {
      ListOperation operation;
      operation.id = std::to_string(list) + "/" + std::to_string(movie);
      operation.type = movie == 0 ? "create_list" : "add_movie";
      operation.user = 1 + list % kFew;
      operation.ref = 1 + list;
      operation.movie = movie;
      if (movie == 0) operation.name = "list " + std::to_string(list);
      operations.push_back(std::move(operation));
    }
  }
  stage.publish(operations);
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();

  std::map<std::string, std::int64_t> users;
  std::vector<std::int64_t> in_order;
  for (int movie = 1; movie <= kMovies; ++movie) in_order.push_back(movie);
  for (const StandinList& list : stage.standin().state()) {
    users[std::to_string(list.id)] = list.user;
    EXPECT_EQ(list.media_ids, in_order) << list.name;
  }
  std::map<std::string, std::vector<StandinRequest>> of_list;
  std::map<std::int64_t, std::vector<StandinRequest>> of_user;
  for (const StandinRequest& request : stage.standin().requests()) {
    if (request.target.empty()) continue;  // a creation names no list yet
    of_list[request.target].push_back(request);
    of_user[users.at(request.target)].push_back(request);
  }
  EXPECT_EQ(of_list.size(), static_cast<std::size_t>(kFew * kLists));
  for (const auto& [list, requests] : of_list) {
    EXPECT_EQ(requests.size(), static_cast<std::size_t>(kMovies));
    EXPECT_EQ(most_at_once(requests), 1) << "two operations of list " << list << " at once";
  }
  int most = 0;
  for (const auto& [user, requests] : of_user) most = std::max(most, most_at_once(requests));
  EXPECT_GT(most, 1) << "the lists of a user waited for each other";
  EXPECT_LE(most, kOfOneUser);
  EXPECT_EQ(stage.mirror(), stage.service());
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
