// Whole journeys of one lane over a database in memory: taking it, applying a short log, retrying,
// announcing. Whatever call fails on the way, nothing is lost and nothing happens twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "engine/delivery/dispatcher.hpp"
#include "engine/delivery/memory_store_test_support.hpp"

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using handler::Idempotence;
using test::kLane;
using test::kMorning;
using test::MemoryStore;
using test::Seen;
using test::Sent;
using testing::ElementsAre;

constexpr FailureKind kAllKinds[] = {
    FailureKind::unavailable, FailureKind::conflict, FailureKind::slow,    FailureKind::bad_data,
    FailureKind::fenced,      FailureKind::in_doubt, FailureKind::schema,  FailureKind::position,
    FailureKind::invalid,     FailureKind::refused,  FailureKind::stopped, FailureKind::not_found};

// From the taking of the lane until nothing is left to do.
struct Journey {
  explicit Journey(std::vector<Sent> events, Idempotence idempotence = Idempotence::ledger)
      : log(std::move(events)), handler(test::script_handler(seen, idempotence)) {
    store.log = store.log_later = {0, end(), 1};
  }

  std::int64_t end() const { return static_cast<std::int64_t>(log.size()); }

  void publish(const ToPublish& rows) {
    for (const OutboxRow& row : rows.rows) {
      if (row.topic == "dead") announced.insert(*row.value);
      dispatcher.published(rows.lane, rows.generation, row.number, {}, now);
    }
  }

  void fetch() {
    Lane& mine = *dispatcher.find(kLane);
    const auto placed = dispatcher.placement(kLane.handler, now, {});
    if (placed && !placed->empty()) fetched = placed->front().offset;
    if (!mine.wants_records() || fetched >= end()) return;
    mine.offer(test::log_of(fetched, {log.begin() + fetched, log.end()}), std::nullopt, now);
    fetched = end();
  }

  bool run() {
    const std::array<std::int32_t, 1> partitions{0};
    dispatcher.assign(kLane.handler, partitions);
    for (int step = 0; step < 400; ++step) {
      now += std::chrono::seconds(20);
      fetch();
      const base::EpochMicros time =
          kMorning + std::chrono::duration_cast<std::chrono::microseconds>(now - Instant{}).count();
      auto work = dispatcher.next_work({now, time});
      if (!work) {
        if (over()) return true;
        continue;
      }
      Done done = executor.run(work->lane, work->job, time);
      const HandOver left = dispatcher.finish(std::move(*work), std::move(done), now);
      if (left.publish) publish(*left.publish);
    }
    return false;
  }

  bool over() const {
    bool quiet = true;
    dispatcher.for_each([&](const Lane& lane) {
      quiet &= lane.outbox_quiet() && lane.pause_reason() == PauseReason::none;
    });
    return quiet && store.tables.next == end() && store.tables.rows.empty() &&
           store.tables.outbox.empty();
  }

  // Applied: what was told to go well, sooner or later, in the order of its key.
  void expect_right() {
    std::map<std::string, std::vector<std::string>> expected;
    std::map<std::string, std::vector<std::string>> applied;
    std::map<std::string, std::string> key_of;
    std::set<std::string> dead;
    for (const Sent& sent : log) {
      key_of[sent.id] = *sent.key;
      const auto fails = test::said(sent.data, "fail");
      if (sent.data == "fine" || (fails && *fails < 6)) {
        expected[*sent.key].push_back(sent.id);
      } else {
        dead.insert(sent.id);
      }
    }
    for (const auto& event : store.tables.applied) applied[key_of.at(event.id)].push_back(event.id);
    EXPECT_EQ(applied, expected);
    EXPECT_EQ(store.tables.letters.size(), dead.size());
    for (const auto& id : dead) EXPECT_NE(store.tables.letter_of(id), nullptr) << id;
    EXPECT_EQ(announced, dead);
    EXPECT_EQ(store.tables.counters.sum(), store.tables.next);
    EXPECT_EQ(store.tables.counters.dead, static_cast<std::int64_t>(dead.size()));
  }

  std::vector<Sent> log;
  Seen seen;
  handler::Handler handler;
  MemoryStore store;
  Executor executor{store, store, store, {{kLane.handler, Route{test::kTopic, &handler}}}};
  Dispatcher dispatcher{{{kLane.handler, HandlerLanes{}}}};
  Instant now{};
  std::int64_t fetched = 0;
  std::set<std::string> announced;
};

std::vector<Sent> mixed() {
  return {{.id = "0", .key = "a"},
          {.id = "1", .data = "refuse", .key = "a"},
          {.id = "2", .data = "fail:1", .key = "b"},
          {.id = "3", .data = "invalid", .key = "b"},
          {.id = "4", .key = "b"},
          {.id = "5", .data = "throw", .key = "a"},
          {.id = "6", .data = "fail:2", .key = "a"},
          {.id = "7", .key = "a"}};
}

TEST(ExecutorTest, a_mixed_log_ends_well) {
  for (const Idempotence any : {Idempotence::natural, Idempotence::ledger, Idempotence::inbox}) {
    Journey journey(mixed(), any);
    ASSERT_TRUE(journey.run());
    journey.expect_right();
  }
}

TEST(ExecutorTest, whatever_call_fails_once_nothing_is_lost_or_doubled) {
  Journey rehearsal(mixed());
  ASSERT_TRUE(rehearsal.run());
  const auto calls = static_cast<int>(rehearsal.store.calls.size());
  ASSERT_GT(calls, 60);
  for (const FailureKind kind : kAllKinds) {
    if (kind == FailureKind::position) continue;  // the lane stops for good, as it must
    for (int call = 0; call < calls; ++call) {
      // A refusal that names no event blames one all the same, if it comes while the handler's own
      // statements run.
      const bool blames = kind == FailureKind::bad_data &&
                          rehearsal.store.calls[static_cast<std::size_t>(call)] == "apply";
      for (const bool really : {false, true}) {
        if (really && kind != FailureKind::in_doubt) continue;
        SCOPED_TRACE(std::string(base::to_string(kind)) + " at call " + std::to_string(call));
        Journey journey(mixed());
        journey.store.fail_at = call;
        journey.store.kind = kind;
        journey.store.really_commits = really;
        ASSERT_TRUE(journey.run());
        if (!blames) journey.expect_right();
        EXPECT_EQ(journey.store.tables.counters.sum(), journey.end());
      }
    }
  }
}

TEST(ExecutorTest, only_what_leaves_through_the_outbox_is_committed_durably) {
  Journey fine({{"0"}, {"1"}}, Idempotence::natural);
  ASSERT_TRUE(fine.run());
  EXPECT_THAT(fine.store.commits, ElementsAre(Durability::relaxed));
  Journey poisoned({{"0"}, {"1", "invalid"}}, Idempotence::natural);
  ASSERT_TRUE(poisoned.run());
  EXPECT_THAT(poisoned.store.commits, ElementsAre(Durability::durable, Durability::relaxed));
}

TEST(ExecutorTest, a_refused_commit_is_our_fault_and_never_ends_the_process) {
  Journey journey({{"0"}}, Idempotence::natural);
  journey.store.kind = FailureKind::bad_data;
  journey.store.fail_on = "commit";
  ASSERT_TRUE(journey.run());
  journey.expect_right();
}

TEST(ExecutorTest, an_owner_that_went_on_meanwhile_is_no_loss_of_the_position) {
  Journey journey({{"0"}, {"1"}});
  journey.store.tables.next = 2;
  journey.store.tables.counters.applied = 2;
  journey.store.log = {0, 1, 1};  // asked before the owner before us applied offset 1
  const Done done = journey.executor.run(kLane, TakeJob{}, kMorning);
  EXPECT_EQ(std::get<TakeDone>(done).outcome->bounds.high, 2);
}

TEST(ExecutorTest, a_lane_is_let_go_of_under_its_claim) {
  Journey journey({});
  journey.store.tables.claim = {base::name_uuid("a", "claim"), 7};
  const Claim stale{base::name_uuid("a", "claim"), 6};
  const Done refused = journey.executor.run(kLane, LetGoJob{stale}, kMorning);
  EXPECT_EQ(std::get<LetGoDone>(refused).outcome.failure().kind, FailureKind::fenced);
  EXPECT_FALSE(journey.store.tables.let_go);
  const Done done = journey.executor.run(kLane, LetGoJob{journey.store.tables.claim}, kMorning);
  EXPECT_TRUE(std::get<LetGoDone>(done).outcome);
  EXPECT_TRUE(journey.store.tables.let_go);
}

}  // namespace
}  // namespace spool::delivery
