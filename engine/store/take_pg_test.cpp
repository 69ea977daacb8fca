#include <map>

#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Held;
using delivery::OpenState;
using delivery::Origin;
using delivery::Suspicion;
using delivery::Trial;

class TakePg : public OpenFixture {
 protected:
  // By another process than whoever had it before.
  delivery::LaneState taken_by_another() {
    PgStore other = make_store("host-" + std::to_string(++others_));
    return take(other);
  }
  void let_go() {
    work([](auto& open) { return open.let_go(); });
  }
  int others_ = 100;
};

TEST_F(TakePg, AFreshLaneSuspectsNobodyAndBelongsToItsOwner) {
  lane_ = fresh_lane();
  const auto state = take(store_);
  EXPECT_EQ(state.suspicion, Suspicion{});
  EXPECT_EQ(row("clean"), "f");
  EXPECT_EQ(state.open.events, 0);
  EXPECT_EQ(state.open.bytes, 0);
  EXPECT_EQ(state.open.next_number, 1);
  EXPECT_EQ(state.open.next_scheduled, std::nullopt);
  EXPECT_TRUE(state.open.keys.empty());
  EXPECT_TRUE(state.companions.empty());
}

TEST_F(TakePg, AnOwnerThatDidNotLetGoLeavesSuspects) {
  const Suspicion expected = delivery::after_taking({}, true);
  ASSERT_TRUE(expected.any());
  EXPECT_EQ(taken_by_another().suspicion, expected);
  EXPECT_EQ(row("log_together, open_together"),
            std::to_string(expected.log_together) + " " + std::to_string(expected.open_together));
  EXPECT_EQ(taken_by_another().suspicion, expected) << "they have not run yet";
}

TEST_F(TakePg, AnOwnerThatLetGoLeavesNone) {
  let_go();
  EXPECT_EQ(row("clean"), "t");
  EXPECT_EQ(taken_by_another().suspicion, Suspicion{});
  EXPECT_EQ(row("clean"), "f");
}

TEST_F(TakePg, TheSameProcessHasNotDied) {
  EXPECT_EQ(take(store_).suspicion, Suspicion{});
}

TEST_F(TakePg, ATrialThatEndedItsOwnerIsNarrowed) {
  Suspicion marked = delivery::after_taking({}, true);
  marked.trial = Trial{Origin::log, 100, 700, 600};
  work([&](auto& open) { return open.suspect(marked); });
  EXPECT_EQ(row("trial_origin, trial_at, trial_until, trial_events"), "log 100 700 600");
  const auto state = taken_by_another();
  EXPECT_EQ(state.suspicion, delivery::after_taking(marked, true));
  EXPECT_EQ(state.suspicion.log_together, 6);
  EXPECT_EQ(row("coalesce(trial_origin, 'none'), log_together, log_until"), "none 6 700");
}

TEST_F(TakePg, EndsOfTheSameEventAreCounted) {
  Suspicion marked;
  for (int end = 1; end <= delivery::kEndsToDie; ++end) {
    marked.open_together = 1;
    marked.open_left = 1;
    marked.trial = Trial{Origin::open, 7, 0, 1};
    work([&](auto& open) { return open.suspect(marked); });
    PgStore other = make_store("host-" + std::to_string(end));
    const auto state = take(other);
    claim_ = state.claim;
    EXPECT_EQ(state.suspicion.ends, end);
    EXPECT_EQ(row("accused_origin, accused_at, ends"), "open 7 " + std::to_string(end));
    marked = state.suspicion;
  }
  EXPECT_TRUE(delivery::condemned(marked, {Origin::open, 7, 0, 1}));
  work([&](auto& open) { return open.suspect({}); });
  EXPECT_EQ(row("coalesce(accused_origin, 'none'), ends, open_together"), "none 0 0");
}

TEST_F(TakePg, WhatWaitsIsSummedUpKeyByKey) {
  delivery::OpenEvent scheduled = event(6, 1, OpenState::scheduled, 20'000'000);
  scheduled.row.bytes = 1000;
  open({event(1, 1, OpenState::head, 7'000'001), event(2, 2, OpenState::dead),
        event(3, 1, OpenState::parked), event(4, 2, OpenState::parked),
        event(5, 3, OpenState::head, 9'000'000), scheduled,
        event(7, 4, OpenState::scheduled, 15'000'000)});
  const auto state = take(store_);
  EXPECT_EQ(state.open.events, 6) << "all but the dead one";
  EXPECT_EQ(state.open.bytes, 6 * 400 + 1000);
  EXPECT_EQ(state.open.next_number, 8);
  EXPECT_EQ(state.open.next_scheduled, 15'000'000);
  std::map<delivery::KeyHash, Held> held;
  for (const auto& change : state.open.keys) held.emplace(change.key, change.held);
  const std::map<delivery::KeyHash, Held> expected = {{key(1), {2, 1, 7'000'001, false}},
                                                      {key(2), {2, 2, 0, true}},
                                                      {key(3), {1, 5, 9'000'000, false}}};
  EXPECT_EQ(held, expected);
}

TEST_F(TakePg, EachHeadComesWithItsOwnPriority) {
  std::vector<delivery::OpenEvent> events = {
      event(1, 1, OpenState::head, 7'000'000), event(2, 1, OpenState::parked),
      event(3, 2, OpenState::dead), event(4, 3, OpenState::head, 7'000'000)};
  events[0].row.priority = 2;
  events[1].row.priority = 9;
  events[2].row.priority = 8;
  open(events);
  std::map<delivery::KeyHash, std::int16_t> found;
  for (const auto& change : take(store_).open.keys) found.emplace(change.key, change.held.priority);
  EXPECT_EQ(found,
            (std::map<delivery::KeyHash, std::int16_t>{{key(1), 2}, {key(2), 8}, {key(3), 5}}));
}

TEST_F(TakePg, AnotherLanesEventsAreNotSummedUp) {
  open({event(1, 1, OpenState::head, 7)});
  lane_ = fresh_lane();
  const auto state = take(store_);
  EXPECT_EQ(state.open.events, 0);
  EXPECT_TRUE(state.open.keys.empty());
}

TEST_F(TakePg, CompanionsGoOnWhereTheyWereLeft) {
  using Next = std::map<std::string, std::int64_t>;
  work([](auto& open) { return open.move_companions(Next{{"r1", 10}, {"r2", 20}}); });
  work([](auto& open) { return open.move_companions(Next{{"r2", 25}, {"r3", 3'000'000'000}}); });
  work([](auto& open) { return open.move_companions(Next{}); });
  EXPECT_EQ(take(store_).companions, (Next{{"r1", 10}, {"r2", 25}, {"r3", 3'000'000'000}}));
}

}  // namespace
}  // namespace spool::store
