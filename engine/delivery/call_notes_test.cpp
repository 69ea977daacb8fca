#include "engine/delivery/call_notes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const LaneId kLane{"h", 3};
const Instant kStart{seconds(100)};

ToCall calls(std::int64_t number, const LaneId& lane = kLane, Instant begin_by = kStart) {
  CallToMake call;
  call.number = number;
  call.ticket.begin_by = begin_by;
  return {lane, 7, {call}};
}

std::vector<std::int64_t> numbers(const std::vector<ToCall>& all) {
  std::vector<std::int64_t> found;
  for (const ToCall& some : all) {
    for (const CallToMake& call : some.calls) found.push_back(call.number);
  }
  return found;
}

TEST(CallNotes, a_call_is_free_once_the_group_knows_its_marker_or_a_later_one) {
  CallNotes notes;
  notes.await(calls(1), {2, 10});
  notes.await(calls(2), {2, 11});
  notes.await(calls(3), {2, 12});
  EXPECT_THAT(notes.noted(kLane, {2, 9}), IsEmpty());
  EXPECT_THAT(numbers(notes.noted(kLane, {2, 11})), ElementsAre(1, 2));
  EXPECT_TRUE(notes.awaited("h"));
  EXPECT_THAT(numbers(notes.noted(kLane, {2, 12})), ElementsAre(3));
  EXPECT_FALSE(notes.awaited("h"));
}

TEST(CallNotes, a_greater_number_of_an_earlier_epoch_frees_nothing) {
  CallNotes notes;
  notes.await(calls(1), {3, 10});
  EXPECT_THAT(notes.noted(kLane, {2, 99}), IsEmpty());
  EXPECT_THAT(numbers(notes.noted(kLane, {4, 1})), ElementsAre(1));
}

TEST(CallNotes, lanes_and_handlers_wait_each_for_their_own_note) {
  CallNotes notes;
  notes.await(calls(1), {2, 10});
  notes.await(calls(2, {"h", 4}), {2, 10});
  EXPECT_FALSE(notes.awaited("g"));
  EXPECT_THAT(numbers(notes.noted({"h", 4}, {2, 10})), ElementsAre(2));
  EXPECT_THAT(numbers(notes.drop(kLane)), ElementsAre(1));
  EXPECT_THAT(notes.drop(kLane), IsEmpty());
}

TEST(CallNotes, what_could_not_begin_any_more_is_late) {
  CallNotes notes;
  notes.await(calls(1), {2, 10});
  notes.await(calls(2, kLane, kStart + seconds(2)), {2, 11});
  EXPECT_THAT(notes.late("h", kStart), IsEmpty());
  EXPECT_THAT(notes.late("g", kStart + seconds(1)), IsEmpty());
  EXPECT_THAT(numbers(notes.late("h", kStart + seconds(1))), ElementsAre(1));
  EXPECT_THAT(numbers(notes.noted(kLane, {2, 11})), ElementsAre(2));
}

}  // namespace
}  // namespace spool::delivery
