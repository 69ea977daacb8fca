// The story: a producer publishes events twice, at every moment of their lives: in the same batch,
// after they were applied, while they wait for a retry, after they died, while and after they are
// replayed. The handler's table would take them twice; the inbox does not let it.
#include <gtest/gtest.h>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using namespace std::chrono_literals;

const std::string kHandler = "drill_inbox";
constexpr std::int64_t kNotByItself = 3'600'000;

class Duplicates : public ::testing::Test {
 protected:
  void publish(const std::vector<DrillEvent>& events) {
    published += static_cast<std::int64_t>(events.size());
    stage.publish(events, kHandler);
  }
  void settle() { ASSERT_TRUE(stage.wait_settled()) << stage.logs(); }
  void wait_open(int events) {
    ASSERT_TRUE(
        stage.wait_true("select count(*) = " + std::to_string(events) + " from spool.open_events"))
        << stage.logs();
  }
  // Attempts that do not come by themselves are made until nothing waits any more.
  void go_on() {
    ASSERT_TRUE(stage.wait_until([&] {
      stage.command(DrillStage::Command::retry_now);
      return stage.number("select count(*) from spool.open_events") == 0;
    })) << stage.logs();
  }
  // Each of them once, and no other record took effect.
  void expect_applied_once(std::int64_t events) {
    EXPECT_EQ(stage.applied(kHandler), events);
    EXPECT_EQ(stage.number("select count(distinct (source, event_id)) from drill.effects"), events);
    EXPECT_EQ(stage.number("select sum(applied) from spool.lanes"), events);
    EXPECT_EQ(stage.number("select sum(duplicate) from spool.lanes"),
              published - events - stage.dead("open", kHandler));
    stage.expect_conserved();
  }

  DrillStage stage{{.partitions = 2, .handlers = {kHandler}, .delays = {100ms, 400ms}}};
  std::int64_t published = 0;
};

TEST_F(Duplicates, OfWhatIsWell) {
  std::vector<DrillEvent> events;
  for (int i = 0; i < 100; ++i) {
    const DrillEvent event{.id = "e-" + std::to_string(i), .key = "k" + std::to_string(i % 7)};
    events.push_back(event);
    events.push_back(event);
  }
  publish(events);
  stage.start_worker();
  settle();
  publish(events);
  settle();
  // The same id of another source is another event.
  publish({{.id = "e-0", .key = "k0", .source = "urn:other"}});
  settle();
  expect_applied_once(101);
}

TEST_F(Duplicates, OfWhatIsRetried) {
  const DrillEvent event{.id = "e-1", .fail = 2, .after_ms = kNotByItself};
  publish({event, event});
  stage.start_worker();
  wait_open(1);  // the second was recognised in the same batch
  publish({event});
  wait_open(2);  // the third waits behind it: nobody knows yet what becomes of the first
  go_on();
  settle();
  publish({event});
  settle();
  expect_applied_once(1);
}

TEST_F(Duplicates, OfWhatDies) {
  const DrillEvent event{.id = "e-1", .fail = kAlways, .lives = 1, .after_ms = kNotByItself};
  publish({event});
  stage.start_worker();
  wait_open(1);
  publish({event});
  wait_open(2);
  go_on();
  settle();
  ASSERT_EQ(stage.dead("open", kHandler), 1);
  publish({event});
  settle();
  EXPECT_EQ(stage.dead("open", kHandler), 1);
  EXPECT_EQ(stage.read(stage.dead_letter_topic(kHandler)).size(), 1U);
  expect_applied_once(0);

  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay))) << stage.logs();
  settle();
  EXPECT_EQ(stage.dead("resolved", kHandler), 1);
  publish({event});
  settle();
  expect_applied_once(1);
}

// A replayed event waits behind its key; the copy that waits behind it must not be taken for it.
TEST_F(Duplicates, OfWhatIsBeingReplayed) {
  const DrillEvent dead{.id = "e-1", .fail = kAlways, .type = "policy.manual", .lives = 1};
  publish({dead});
  stage.start_worker();
  settle();
  ASSERT_EQ(stage.dead("open", kHandler), 1);
  publish({{.id = "e-2", .fail = 1, .after_ms = kNotByItself}});
  wait_open(1);
  ASSERT_TRUE(stage.wait_finished(stage.command(DrillStage::Command::replay))) << stage.logs();
  wait_open(2);
  publish({dead});
  wait_open(3);
  go_on();
  settle();
  EXPECT_EQ(stage.dead("resolved", kHandler), 1);
  expect_applied_once(2);
}

}  // namespace
}  // namespace spool::test
