// The story: the handler's keys stay held after a death (after_death = hold) until somebody
// decides. Other keys go on. A replay settles the dead event in its place, before what waited
// behind it; discarding it lets the others go on without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using ::testing::ElementsAre;

class HoldPolicy : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<DrillEvent> events;
    for (int i = 0; i < 4; ++i) {
      for (const std::string key : {"a", "b", "c"}) {
        DrillEvent event{.id = key + std::to_string(i), .key = key};
        if (i == 1 && key != "c") {
          event.fail = kAlways;
          event.lives = 1;
        }
        events.push_back(std::move(event));
      }
    }
    stage.publish(events);
    stage.start_worker();
    ASSERT_TRUE(stage.wait_true("select count(*) = 2 from spool.dead_letters where state = 'open'"))
        << stage.logs();
    ASSERT_TRUE(stage.wait_applied(6)) << stage.logs();
    EXPECT_THAT(applied("a"), ElementsAre("a0"));
    EXPECT_THAT(applied("b"), ElementsAre("b0"));
    EXPECT_THAT(applied("c"), ElementsAre("c0", "c1", "c2", "c3"));
    EXPECT_EQ(stage.number("select sum(open) from spool.lanes"), 4) << "two behind each";
    stage.expect_conserved();
  }

  std::vector<std::string> applied(const std::string& key) {
    std::vector<std::string> ids;
    for (const Effect& effect : stage.history({}).effects) {
      if (effect.name.second.starts_with(key)) ids.push_back(effect.name.second);
    }
    return ids;
  }

  DrillStage stage{{.partitions = 2,
                    .worker = {{"SPOOL__HANDLERS__DRILL__AFTER_DEATH", "hold"},
                               {"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"}}}};
};

TEST_F(HoldPolicy, ReplayedInPlaceOrDiscarded) {
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::discard, "b")));
  ASSERT_TRUE(stage.wait_applied(8)) << stage.logs();
  EXPECT_THAT(applied("b"), ElementsAre("b0", "b2", "b3"));
  EXPECT_THAT(applied("a"), ElementsAre("a0"));
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay, "a")));
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_THAT(applied("a"), ElementsAre("a0", "a1", "a2", "a3"));
  EXPECT_EQ(stage.dead("resolved"), 1);
  EXPECT_EQ(stage.dead("discarded"), 1);
  EXPECT_EQ(stage.number("select count(*) from spool.open_events"), 0);
  WorkerProcess& worker = *stage.workers().back();
  for (const char* line :
       {"spool_replay_records_total.*published.* 1$", "spool_messages_total.*discarded.* 1$",
        "spool_replay_jobs.*running.* 0$", "spool_outbox_refused_events 0$"})
    EXPECT_TRUE(stage.wait_metric(worker, line)) << line;
  stage.expect_conserved();
}

TEST_F(HoldPolicy, HoldsAlsoUnderTheNextOwner) {
  stage.workers().back()->kill();
  stage.start_worker();
  stage.publish({{.id = "a4", .key = "a"}, {.id = "c4", .key = "c"}});
  ASSERT_TRUE(stage.wait_applied(7)) << stage.logs();
  EXPECT_THAT(applied("a"), ElementsAre("a0"));
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay)));
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  EXPECT_THAT(applied("a"), ElementsAre("a0", "a1", "a2", "a3", "a4"));
  EXPECT_THAT(applied("b"), ElementsAre("b0", "b1", "b2", "b3"));
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
