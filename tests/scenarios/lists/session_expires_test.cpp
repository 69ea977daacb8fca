// The story: a user's session ends at TMDB in the middle of the user's queue. Nothing is charged
// and nothing dies: the user's operations wait, and one event says that a login is needed. Another
// user of the same partition does not notice. A new session drains the queue, in its order.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kLists = 2;
constexpr int kBefore = 10;  // movies of each list, published before the session ends
constexpr int kAfter = 10;   // and after

void add(std::vector<ListOperation>& all, int user, int list, int movie) {
  const std::string id = std::to_string(user) + "-" + std::to_string(list);
  if (movie == 0) {
    all.push_back({.id = id, .type = "create_list", .user = user, .ref = list, .name = id});
  } else {
    all.push_back({.id = id + "-" + std::to_string(movie),
                   .type = "add_movie",
                   .user = user,
                   .ref = list,
                   .movie = movie});
  }
}

// Movies first..last of each of the user's lists, which are created before movie 1.
std::vector<ListOperation> queue_of(int user, int first, int last) {
  std::vector<ListOperation> all;
  for (int movie = first == 1 ? 0 : first; movie <= last; ++movie) {
    for (int list = 0; list < kLists; ++list) add(all, user, user * 100 + list, movie);
  }
  return all;
}

std::int64_t effects_of(const std::vector<StandinEffect>& ledger, int user) {
  return std::ranges::count(ledger, user, &StandinEffect::user);
}

std::int64_t refused(const std::vector<StandinRequest>& requests) {
  return std::ranges::count(requests, 401, &StandinRequest::status);
}

// How often each user was told of.
std::map<std::string, int> logins_needed(ListStage& stage) {
  std::map<std::string, int> told;
  for (const TopicRecord& record : stage.read_topic(stage.events_topic(), 1)) {
    if (record.header("ce_type") == "reauthentication.needed.v1") ++told[record.value.value_or("")];
  }
  return told;
}

TEST(SessionExpires, TheUsersQueueWaitsForANewOneAndNobodyElseDoes) {
  ListStage stage({.partitions = 1, .users = 2});
  stage.standin().set_faults(R"([{"route": "list.*", "kind": "latency_ms", "ms": 20}])");
  stage.publish(queue_of(1, 1, kBefore));
  stage.start_worker();
  ASSERT_TRUE(stage.wait_until([&] { return effects_of(stage.standin().ledger(), 1) >= 6; }))
      << stage.logs();
  stage.standin().control("POST", "/_standin/sessions/user-1:expire");
  stage.publish(queue_of(1, kBefore + 1, kBefore + kAfter));
  ASSERT_TRUE(
      stage.wait_true("select state = 'expired' from media.tmdb_sessions where tmdb_user_id = 1"))
      << stage.logs();

  stage.publish(queue_of(2, 1, kBefore));
  constexpr int kOfTwo = kLists * (kBefore + 1);
  ASSERT_TRUE(stage.wait_true(
      "select count(*) = " + std::to_string(kOfTwo) +
      " from media.queued_list_operations where tmdb_user_id = 2 and status = 'completed'"))
      << stage.undone();
  constexpr int kOfOne = kLists * (kBefore + kAfter + 1);
  const std::int64_t done = effects_of(stage.standin().ledger(), 1);
  ASSERT_TRUE(stage.wait_true(
      "select count(*) filter (where status = 'completed') = " + std::to_string(done) +
      " and count(*) filter (where status = 'pending') = " + std::to_string(kOfOne - done) +
      " from media.queued_list_operations where tmdb_user_id = 1"))
      << stage.undone();
  EXPECT_GE(kOfOne - done, kLists * kAfter);
  EXPECT_EQ(stage.number("select sum(retry_count) from media.queued_list_operations"), 0);
  EXPECT_EQ(stage.number("select sum(attempts) from spool.open_events"), 0);
  EXPECT_EQ(stage.number("select count(*) from spool.dead_letters"), 0);
  EXPECT_GE(refused(stage.standin().requests()), 1);
  EXPECT_LE(refused(stage.standin().requests()), kLists) << "called with a session that is over";
  ASSERT_TRUE(stage.wait_true("select count(*) = 0 from spool.outbox"));
  const std::map<std::string, int> told{{R"({"service":"tmdb","tmdb_user_id":1})", 1}};
  EXPECT_EQ(logins_needed(stage), told);

  stage.standin().control("POST", "/_standin/users", R"({"user_id": 1, "session_id": "anew"})");
  stage.log_in(1, "anew");
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(stage.operations("completed"), kOfOne + kOfTwo);
  EXPECT_EQ(stage.number("select sum(retry_count) from media.queued_list_operations"), 0);
  EXPECT_LE(refused(stage.standin().requests()), kLists);
  EXPECT_EQ(logins_needed(stage), told);
  EXPECT_EQ(effects_of(stage.standin().ledger(), 1), kOfOne);
  for (const StandinList& list : stage.standin().state())
    EXPECT_TRUE(std::ranges::is_sorted(list.media_ids)) << list.name;
  EXPECT_EQ(stage.mirror(), stage.service());
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
