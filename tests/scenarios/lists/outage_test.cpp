// The story: TMDB is away for a while. Operations are taken in, shown, merged and cancelled as
// ever; what failed before the breakers opened is all that is charged. Then TMDB is back, and three
// workers work off the queue under the limit of the deployment; one of them is killed, another one
// joins. Everything is done once, and no window of the service's own time has more requests than
// the limit.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kLimit = 40;
constexpr int kUsers = 24;
constexpr int kLists = 2;   // of each
constexpr int kMovies = 6;  // of each list, asked for while TMDB is away
constexpr int kFailures = 5;
constexpr int kConcurrency = 8;
constexpr int kVanishing = 900;
constexpr int kCancelled = 800;

Environment limited(const std::string& window) {
  return {{"SPOOL__UPSTREAM__TMDB__RATE", std::to_string(kLimit)},
          {"SPOOL__UPSTREAM__TMDB__WINDOW", window},
          {"SPOOL__BREAKER__FAILURES", std::to_string(kFailures)},
          {"SPOOL__BREAKER__OPEN_FOR", "300ms"},
          {"SPOOL__HANDLERS__LIST_OPERATIONS__CONCURRENCY", std::to_string(kConcurrency)}};
}

// Of all stretches of time of that length, the most requests that arrived within one.
std::size_t most_within(const std::vector<StandinRequest>& requests, double window_ms) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < requests.size(); ++last) {
    while (requests[last].at_ms - requests[first].at_ms >= window_ms) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

class Outage : public ::testing::Test {
 protected:
  static ListOperation operation(const char* type, int list, int movie = 0) {
    ListOperation one;
    one.type = type;
    one.id = std::string(type) + "/" + std::to_string(list) + "/" + std::to_string(movie);
    one.user = 1 + list % kUsers;
    one.ref = 1 + list;
    one.movie = movie;
    if (movie == 0) one.name = "list " + std::to_string(list);
    return one;
  }

  std::string row_id(const ListOperation& one) {
    return stage_.text("select id from media.queued_list_operations where event_id = '" + one.id +
                       "'");
  }

  // What the command line says; it must end well.
  std::string said(std::vector<std::string> words) {
    const auto process = stage_.command_line(std::move(words));
    EXPECT_EQ(process->wait_exit(), 0) << process->tail();
    return process->tail();
  }

  void create_lists() {
    std::vector<ListOperation> creates;
    for (int list = 0; list < kUsers * kLists; ++list)
      creates.push_back(operation("create_list", list));
    stage_.publish(creates);
    for (int i = 0; i < 3; ++i) {
      WorkerProcess& worker = stage_.start_worker();
      ASSERT_TRUE(worker.says({"lane.taken"})) << worker.tail();
    }
    ASSERT_TRUE(stage_.wait_done()) << stage_.undone() << stage_.logs();
  }

  // Published while nobody answers, taken in all the same.
  void ask_for_more() {
    std::vector<ListOperation> operations;
    for (int movie = 1; movie <= kMovies; ++movie) {
      for (int list = 0; list < kUsers * kLists; ++list)
        operations.push_back(operation("add_movie", list, movie));
    }
    for (int list = 0; list < kUsers * kLists; ++list) {
      operations.push_back(operation("add_movie", list, kVanishing));
      operations.push_back(operation("remove_movie", list, kVanishing));
    }
    operations.push_back(cancelled_);
    stage_.publish(operations);
    const std::size_t all = operations.size() + kUsers * kLists;
    ASSERT_TRUE(stage_.wait_true("select count(*) = " + std::to_string(all) +
                                 " from media.queued_list_operations"))
        << stage_.logs();
  }

  void expect_shown_merged_and_cancellable() {
    const std::string shown = said({"lists", "show", uuid_of(1), "--user", "1", "-o", "json"});
    EXPECT_NE(shown.find(R"("movie_id": 1, "mark": "adding", "confirmed": false)"),
              std::string::npos)
        << shown;
    EXPECT_EQ(stage_.number("select count(*) from media.queued_list_operations where movie_id = " +
                            std::to_string(kVanishing) +
                            " and status = 'completed' and reason is not null"),
              2 * kUsers * kLists);
    EXPECT_NE(shown.find("\"movie_id\": " + std::to_string(kCancelled)), std::string::npos);
    said({"operations", "cancel", row_id(cancelled_), "--reason", "changed my mind", "--yes"});
    EXPECT_EQ(stage_.operations("cancelled"), 1);
    const std::string without = said({"lists", "show", uuid_of(1), "--user", "1", "-o", "json"});
    EXPECT_EQ(without.find("\"movie_id\": " + std::to_string(kCancelled)), std::string::npos);
  }

  // The attempts that were charged by now; none is added while the breakers are open, although they
  // let a call through now and then.
  std::int64_t charged_behind_open_breakers() {
    for (const auto& worker : stage_.workers()) {
      EXPECT_TRUE(stage_.wait_metric(*worker, "spool_upstream_circuit_state.*\"open\".* 1$"))
          << worker->tail();
    }
    EXPECT_TRUE(
        stage_.wait_true("select count(*) = 0 from media.queued_list_operations"
                         " where status = 'processing'"))
        << stage_.undone();
    const std::int64_t charged = retries();
    for (const auto& worker : stage_.workers()) {
      const int before = worker->count({"upstream.request"});
      EXPECT_TRUE(stage_.wait_until([&] {
        return worker->count({"upstream.request"}) >= before + 2;
      })) << worker->tail();
    }
    EXPECT_EQ(retries(), charged) << "a call that an open breaker let through was charged";
    return charged;
  }

  std::int64_t retries() {
    return stage_.number("select sum(retry_count) from media.queued_list_operations");
  }

  ListOperation cancelled_ = operation("add_movie", 0, kCancelled);
  ListStage stage_{{.partitions = 6, .users = kUsers, .worker = limited("1s")}};
};

TEST_F(Outage, QueuesWhatIsAskedForAndWorksItOffUnderTheLimit) {
  ASSERT_NO_FATAL_FAILURE(create_lists());
  stage_.standin().refuse();
  ASSERT_NO_FATAL_FAILURE(ask_for_more());
  const std::int64_t charged = charged_behind_open_breakers();
  EXPECT_LE(charged, 3 * (kFailures - 1 + kConcurrency))
      << "calls that were under way when the breakers opened, and no others";
  expect_shown_merged_and_cancellable();
  EXPECT_EQ(stage_.number("select count(*) from spool.dead_letters"), 0);

  const std::size_t before = stage_.standin().requests().size();
  stage_.standin().resume();
  const auto drained = [&](std::size_t requests) {
    return stage_.wait_until(
        [&] { return stage_.standin().requests().size() >= before + requests; });
  };
  ASSERT_TRUE(drained(40)) << stage_.logs();
  WorkerProcess& fourth = stage_.start_worker();
  ASSERT_TRUE(fourth.says({"lane.taken"})) << fourth.tail();
  ASSERT_TRUE(drained(100)) << stage_.logs();
  stage_.workers().front()->kill();
  ASSERT_TRUE(stage_.wait_done()) << stage_.undone() << stage_.logs();

  EXPECT_LE(most_within(stage_.standin().requests(), 1'000), static_cast<std::size_t>(kLimit));
  EXPECT_EQ(retries(), charged);
  EXPECT_EQ(stage_.number("select count(*) from spool.dead_letters"), 0);
  for (const StandinEffect& effect : stage_.standin().ledger())
    EXPECT_TRUE(effect.changed) << effect.kind << " once more, of list " << effect.list_id;
  const std::vector<std::int64_t> in_order{1, 2, 3, 4, 5, 6};
  ASSERT_EQ(in_order.size(), static_cast<std::size_t>(kMovies));
  for (const StandinList& list : stage_.standin().state())
    EXPECT_EQ(list.media_ids, in_order) << list.name;
  EXPECT_EQ(stage_.mirror(), stage_.service());
  stage_.expect_conserved();
}

// The limit as it is by default.
TEST(Limit, HoldsOverAllWorkersInAnyTenSeconds) {
  constexpr int kAsked = 100;
  ListStage stage({.partitions = 6, .users = kAsked, .worker = limited("10s")});
  std::vector<ListOperation> creates;
  for (int user = 1; user <= kAsked; ++user) {
    const std::string id = "list " + std::to_string(user);
    creates.push_back({.id = id, .type = "create_list", .user = user, .ref = user, .name = id});
  }
  stage.publish(creates);
  for (int i = 0; i < 3; ++i) stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  const auto requests = stage.standin().requests();
  EXPECT_EQ(requests.size(), static_cast<std::size_t>(kAsked));
  EXPECT_LE(most_within(requests, 10'000), static_cast<std::size_t>(kLimit));
  EXPECT_EQ(stage.operations("completed"), kAsked);
}

}  // namespace
}  // namespace spool::test
