// The story: among thousands of good events are one that ends the process by abort() and one that
// overflows its stack, every time they run. A supervisor starts the worker again, as it would
// anywhere. After a few ends exactly these two are dead as handler.crash; everything else is
// applied, in order, and nobody else is charged anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <set>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

constexpr int kEndsMax = 40;

// Starts the worker again and again until everything has settled; how often it ended.
int supervise(DrillStage& stage) {
  for (int ends = 0; ends <= kEndsMax; ++ends) {
    // Static membership: its successor need not wait for the group to notice.
    WorkerProcess& worker = stage.start_worker({{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"}});
    std::optional<int> code;
    bool settled = false;
    EXPECT_TRUE(stage.wait_until([&] {
      code = worker.wait_exit(std::chrono::seconds(0));
      settled = !code && stage.wait_settled(std::chrono::seconds(0));
      return code || settled;
    })) << stage.logs();
    if (settled || ::testing::Test::HasFailure()) return ends;
    EXPECT_THAT(*code, AnyOf(Eq(128 + SIGABRT), Eq(128 + SIGSEGV))) << worker.tail();
  }
  ADD_FAILURE() << "still not settled after " << kEndsMax << " ends\n" << stage.logs();
  return kEndsMax;
}

TEST(EventThatAborts, DiesAloneWithItsLike) {
  DrillStage stage({.partitions = 2});
  std::vector<DrillEvent> events;
  for (int i = 0; i < 4'000; ++i) {
    const std::string key = "k" + std::to_string(i % 40);
    events.push_back({.id = "e-" + std::to_string(i), .key = key, .n = i});
  }
  events[1'234].fail = kAlways;
  events[1'234].how = "abort";
  events[2'345].fail = kAlways;
  events[2'345].how = "overflow";
  stage.publish(events);
  const int ends = supervise(stage);
  std::printf("the worker ended %d times\n", ends);
  EXPECT_EQ(stage.text("select string_agg(event_id || ' ' || error_type, ', ' order by event_id)"
                       " from spool.dead_letters"),
            "e-1234 handler.crash, e-2345 handler.crash");
  EXPECT_EQ(stage.applied(), 3'998);
  EXPECT_EQ(stage.number("select max(attempt) from drill.effects"), 1) << "nobody else was charged";
  EXPECT_EQ(stage.number("select count(*) from drill.effects e where exists (select from"
                         " drill.effects f where f.order_key = e.order_key and f.n < e.n"
                         " and f.serial > e.serial)"),
            0)
      << "applied out of order";
  stage.expect_conserved();
}

// Not in the log, but among what waits for its next attempt.
TEST(EventThatAborts, AtItsSecondAttempt) {
  DrillStage stage({.partitions = 1});
  std::vector<DrillEvent> events;
  for (int i = 0; i < 300; ++i)
    events.push_back({.id = "e-" + std::to_string(i),
                      .key = "k" + std::to_string(i % 100),
                      .fail = i % 10 == 0 ? 1 : 0});
  events[7].fail = 1;
  // Parked behind a head; it is met in a drain.
  events[107] = {.id = "e-107", .key = events[7].key, .fail = kAlways, .how = "abort"};
  stage.publish(events);
  const int ends = supervise(stage);
  std::printf("the worker ended %d times\n", ends);
  EXPECT_EQ(stage.text("select string_agg(event_id || ' ' || error_type, ', ' order by event_id)"
                       " from spool.dead_letters"),
            "e-107 handler.crash");
  EXPECT_EQ(stage.applied(), 299);
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
