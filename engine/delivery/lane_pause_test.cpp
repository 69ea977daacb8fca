// A lane whose handler an operator has paused: what goes on, and what does not begin.
#include <gtest/gtest.h>

#include "engine/delivery/lane_test_support.hpp"

namespace spool::delivery {
namespace {

using test::committed;
using test::kDatabase;
using test::kStart;
using test::moment;
using test::records;
using test::taken;

constexpr Gate kPaused{.paused = true};

class LanePauseTest : public test::LaneTest {
 protected:
  // Taken with a head that is due and a scheduled event whose time has come.
  static Taken with_open() {
    Taken state = taken(0, {0, 100});
    state.state.open.keys.push_back({hash_kafka_key("k"), {1, 1, kDatabase, false}});
    state.state.open.next_number = 2;
    state.state.open.bytes = 100;
    state.state.open.next_scheduled = kDatabase;
    state.state.start = -2;
    state.state.counters.open = 2;
    return state;
  }
  static Lane lane_of(bool performs) {
    LaneLimits limits = test::small_limits();
    limits.performs = performs;
    limits.buffer_bytes = 1;
    return {LaneId{"handler", 0}, limits};
  }
  void run_with_open(bool performs) {
    lane = lane_of(performs);
    take(with_open());
    lane.place();
  }
  bool idle(const Gate& gate) { return !lane.next_job(moment(kStart), gate); }
};

TEST_F(LanePauseTest, nothing_has_an_effect_and_everything_else_goes_on) {
  Taken state = with_open();
  state.state.outbox_pending = true;
  take(std::move(state));
  lane.place();
  lane.offer(records(0, 3), std::nullopt, kStart);
  begin<ReadOutboxJob>(kStart, kPaused);
  lane.finish_read_outbox(0, kStart);
  lane.companion_read("retry", 5, {});
  const auto companions = begin<CompanionsJob>(kStart, kPaused);
  lane.finish_companions(companions, committed(companions.footing), kStart);
  lane.set_commands({{base::random_uuid(), CommandKind::cancel, 0}});
  const auto command = begin<CommandJob>(kStart, kPaused);
  lane.finish_command(command, committed(command.footing), kStart);
  EXPECT_TRUE(idle(kPaused)) << "no batch, no head, nothing scheduled";
  EXPECT_EQ(lane.buffered_records(), 4U);
}

TEST_F(LanePauseTest, what_waited_comes_in_its_order_afterwards) {
  run_with_open(false);
  lane.offer(records(0, 3), std::nullopt, kStart);
  EXPECT_TRUE(idle(kPaused));
  const auto awaken = begin<AwakenJob>();
  Committed done = committed(awaken.footing);
  done.open.scheduled_known = true;
  lane.finish_awaken(done, kStart);
  const auto drain = begin<DrainJob>();
  lane.finish_drain(committed(drain.footing), kStart);
  EXPECT_EQ(begin<ApplyJob>().to(), 4);
}

TEST_F(LanePauseTest, records_are_taken_in_up_to_the_bound) {
  run_with_open(false);
  EXPECT_TRUE(idle(kPaused));
  EXPECT_TRUE(lane.wants_records());
  lane.offer(records(0, 0), std::nullopt, kStart);
  EXPECT_FALSE(lane.wants_records());
  EXPECT_EQ(lane.pause_reason(), PauseReason::operator_) << "that is why it is full";
}

TEST_F(LanePauseTest, says_so_until_it_goes_on) {
  run_with_open(false);
  EXPECT_EQ(lane.pause_reason(), PauseReason::none);
  EXPECT_TRUE(idle({.shut = true, .paused = true}));
  EXPECT_EQ(lane.pause_reason(), PauseReason::operator_);
  EXPECT_STREQ(to_string(lane.pause_reason()), "operator");
  EXPECT_TRUE(lane.held_up()) << "a drain does not wait for what it has buffered";
  begin<AwakenJob>();
  EXPECT_EQ(lane.pause_reason(), PauseReason::none);
  EXPECT_FALSE(lane.held_up());
}

TEST_F(LanePauseTest, a_handler_that_performs_goes_on_to_admit) {
  run_with_open(true);
  lane.offer(records(0, 3), std::nullopt, kStart);
  const auto awaken = begin<AwakenJob>(kStart, kPaused);
  Committed done = committed(awaken.footing);
  done.open.scheduled_known = true;
  lane.finish_awaken(done, kStart);
  auto admit = begin<ApplyJob>(kStart, kPaused);
  Committed admitted = committed(admit);
  lane.finish_apply(std::move(admit), std::move(admitted), kStart);
  EXPECT_TRUE(idle(kPaused)) << "its head is due, and not called";
  EXPECT_EQ(lane.pause_reason(), PauseReason::operator_);
  EXPECT_FALSE(lane.held_up()) << "what it has buffered is admitted";
  EXPECT_EQ(begin<CallsJob>(kStart, {.calls = 1}).heads.size(), 1U);
}

}  // namespace
}  // namespace spool::delivery
