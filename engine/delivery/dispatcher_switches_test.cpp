// Handlers that operators pause: which lanes that holds, when it ends, and when all has come to
// rest.
#include <gtest/gtest.h>

#include <array>

#include "engine/delivery/dispatcher.hpp"
#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::kDatabase;
using test::kStart;
using test::moment;

constexpr std::array<std::int32_t, 2> kTwo{0, 1};

class DispatcherSwitchesTest : public testing::Test {
 protected:
  DispatcherSwitchesTest() {
    for (const char* handler : {"h", "other"}) {
      dispatcher.assign(handler, kTwo);
      take(test::taken(0, {0, 100}));
      dispatcher.placement(handler, kStart, {});
    }
  }

  void take(const Taken& taken) {
    while (auto work = next()) dispatcher.finish(std::move(*work), TakeDone{taken}, kStart);
  }
  std::optional<Work> next(Instant now = kStart) { return dispatcher.next_work(moment(now)); }
  void offer(const std::string& handler, std::int32_t partition) {
    dispatcher.find({handler, partition})->offer(test::records(0, 0), std::nullopt, kStart);
  }
  HandOver finish(Work work) {
    Committed after = test::committed(std::get<ApplyJob>(work.job));
    return dispatcher.finish(std::move(work), ApplyDone{std::move(after), {}}, kStart);
  }
  void pause(const std::string& handler, std::optional<base::EpochMicros> until = {}) {
    const HandlerSwitch paused{handler, true, until, 1};
    dispatcher.set_switches({&paused, 1});
  }

  Dispatcher dispatcher{{{"h", {}}, {"other", {}}}};
};

TEST_F(DispatcherSwitchesTest, a_pause_holds_the_lanes_of_its_handler_and_no_others) {
  for (const std::string handler : {"h", "other"}) {
    offer(handler, 0);
    offer(handler, 1);
  }
  pause("h");
  std::vector<Work> works;
  while (auto work = next()) works.push_back(std::move(*work));
  ASSERT_EQ(works.size(), 2U);
  for (const Work& work : works) EXPECT_EQ(work.lane.handler, "other");
  EXPECT_EQ(dispatcher.find({"h", 1})->pause_reason(), PauseReason::operator_);
  dispatcher.set_switches({});
  EXPECT_EQ(next()->lane.handler, "h");
}

TEST_F(DispatcherSwitchesTest, a_pause_with_an_end_ends_by_itself_on_the_databases_clock) {
  offer("h", 0);
  pause("h", kDatabase + 5'000'000);
  EXPECT_FALSE(next());
  EXPECT_EQ(dispatcher.wake_at(moment(kStart)), kStart + seconds(5));
  EXPECT_FALSE(next(kStart + seconds(5) - milliseconds(1)));
  EXPECT_TRUE(next(kStart + seconds(5)));
}

TEST_F(DispatcherSwitchesTest, until_the_decisions_are_known_nothing_has_an_effect) {
  offer("h", 0);
  dispatcher.await_switches();
  EXPECT_FALSE(next());
  EXPECT_TRUE(dispatcher.paused("h", moment(kStart)));
  dispatcher.set_switches({});
  EXPECT_TRUE(next());
}

TEST_F(DispatcherSwitchesTest, it_rests_once_the_jobs_that_had_begun_have_ended) {
  offer("h", 0);
  offer("h", 1);
  offer("other", 0);
  std::vector<Work> works;
  while (auto work = next()) works.push_back(std::move(*work));
  ASSERT_EQ(works.size(), 3U);
  pause("h");
  EXPECT_FALSE(dispatcher.come_to_rest("h"));
  std::size_t told = 0;
  std::size_t ended = 0;
  for (Work& work : works) {
    ended += work.lane.handler == "h" ? 1 : 0;
    const bool last = work.lane.handler == "h" && ended == 2;
    const HandOver over = finish(std::move(work));
    EXPECT_EQ(over.at_rest, last);
    told += over.at_rest ? 1 : 0;
  }
  EXPECT_EQ(told, 1U);
  const auto rests = dispatcher.come_to_rest("h");
  ASSERT_TRUE(rests);
  EXPECT_LE(*rests, kStart);
}

TEST_F(DispatcherSwitchesTest, jobs_that_have_no_effect_are_not_waited_for) {
  dispatcher.find({"h", 0})->companion_read("retry", 5, {});
  const auto work = next();
  ASSERT_TRUE(work && std::holds_alternative<CompanionsJob>(work->job));
  pause("h");
  EXPECT_TRUE(dispatcher.come_to_rest("h"));
}

// Else a pause would hold up whoever shares the process.
TEST_F(DispatcherSwitchesTest, suspects_of_a_paused_handler_keep_nobody_waiting) {
  Taken state = test::taken(0, {0, 100});
  state.state.suspicion.log_together = 1;
  state.state.suspicion.log_until = 9;
  dispatcher.find({"h", 0})->forget("to be suspect");
  take(state);
  dispatcher.placement("h", kStart, {});
  offer("h", 0);
  offer("other", 0);
  pause("h");
  const auto work = next();
  ASSERT_TRUE(work);
  EXPECT_EQ(work->lane.handler, "other");
}

class DispatcherPausedCallsTest : public DispatcherSwitchesTest {
 protected:
  DispatcherPausedCallsTest() {
    HandlerLanes lanes;
    lanes.limits.performs = true;
    lanes.calls_max = 2;
    lanes.call_grace = seconds(2);
    dispatcher = Dispatcher({{"h", lanes}});
    dispatcher.assign("h", {kTwo.data(), 1});
    Taken state = test::taken(0, {0, 100});
    for (int number : {1, 2}) {
      state.state.open.keys.push_back(
          {hash_kafka_key("k" + std::to_string(number)), {1, number, kDatabase, false}});
    }
    state.state.open.next_number = 3;
    state.state.start = -2;
    state.state.counters.open = 2;
    auto work = next();
    dispatcher.finish(std::move(*work), TakeDone{state}, kStart);
    dispatcher.placement("h", kStart, {});
  }

  // One of the two heads of the job is called.
  HandOver begin(Work work) {
    const auto& job = std::get<CallsJob>(work.job);
    Committed after = test::committed(job.footing);
    after.begun.push_back({1, hash_kafka_key("k1"), {}, nullptr, false});
    after.open.keys.push_back({hash_kafka_key("k1"), {1, 1, kDatabase + 60'000'000, false}});
    return dispatcher.finish(std::move(work), RunDone{std::move(after), {}}, kStart);
  }
  // The group has heard of its marker.
  std::vector<ToCall> noted() { return dispatcher.noted("h", dispatcher.group_notes("h"), kStart); }
};

TEST_F(DispatcherPausedCallsTest, no_call_is_begun_and_what_is_under_way_is_settled) {
  auto work = next();
  ASSERT_TRUE(work && std::holds_alternative<CallsJob>(work->job));
  begin(std::move(*work));
  const auto calls = noted();
  ASSERT_EQ(calls.size(), 1U);
  pause("h");
  EXPECT_FALSE(next()) << "a head is due, and there is room for a call";
  dispatcher.call_ended({"h", 0}, calls[0].generation, 1, handler::NotBegun{}, kStart);
  const auto settle = next();
  ASSERT_TRUE(settle && std::holds_alternative<CallsJob>(settle->job));
  EXPECT_EQ(std::get<CallsJob>(settle->job).ends.size(), 1U);
  EXPECT_TRUE(std::get<CallsJob>(settle->job).heads.empty());
  EXPECT_TRUE(dispatcher.come_to_rest("h")) << "a job that only settles begins nothing";
}

TEST_F(DispatcherPausedCallsTest, it_rests_once_no_call_that_was_handed_over_may_begin) {
  auto work = next();
  ASSERT_TRUE(work);
  pause("h");
  EXPECT_FALSE(dispatcher.come_to_rest("h")) << "the marker is being written";
  const HandOver over = begin(std::move(*work));
  EXPECT_TRUE(over.at_rest);
  const auto calls = noted();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(dispatcher.come_to_rest("h"), kStart + seconds(2)) << "it may begin until then";
  dispatcher.call_ended({"h", 0}, calls[0].generation, 1, handler::NotBegun{}, kStart);
  EXPECT_LE(*dispatcher.come_to_rest("h"), kStart);
}

}  // namespace
}  // namespace spool::delivery
