#include "engine/delivery/position.hpp"

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

LaneState at(std::int64_t next, std::int64_t timestamp) {
  LaneState state;
  state.next = next;
  state.last_offset = next - 1;
  state.last_timestamp_ms = timestamp;
  return state;
}

TEST(Position, HoldsFromTheFirstOffsetToTheEnd) {
  EXPECT_FALSE(position_lost(at(5, 1), {5, 9}));
  EXPECT_FALSE(position_lost(at(9, 1), {5, 9}));
  EXPECT_TRUE(position_lost(at(4, 1), {5, 9}));
  EXPECT_TRUE(position_lost(at(10, 1), {5, 9}));
}

TEST(Position, TheRecordBeforeIsAProbeWhereItExists) {
  EXPECT_EQ(plan_fetch(at(7, 123), {5, 9}).from, 6);
  EXPECT_EQ(plan_fetch(at(7, 123), {5, 9}).probe_timestamp_ms, 123);
  // Nothing was applied yet, or retention has just taken the record before: nothing to compare.
  EXPECT_EQ(plan_fetch(at(7, -1), {5, 9}).from, 7);
  EXPECT_EQ(plan_fetch(at(5, 123), {5, 9}).from, 5);
  EXPECT_FALSE(plan_fetch(at(5, 123), {5, 9}).probe_timestamp_ms);
}

TEST(Position, TheProbeStandsBeforeAGap) {
  LaneState state = at(8, 123);
  state.last_offset = 5;  // 6 and 7 were control records
  EXPECT_EQ(plan_fetch(state, {5, 9}).from, 5);
  EXPECT_EQ(plan_fetch(state, {5, 9}).probe_timestamp_ms, 123);
  EXPECT_EQ(plan_fetch(state, {6, 9}).from, 8);
}

}  // namespace
}  // namespace spool::delivery
