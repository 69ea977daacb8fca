// The story: the database loses transactions that it had confirmed, because it crashed before the
// WAL writer (slowed down here) wrote them. The owner remembers a position that the database no
// longer has. Either it has more work: the sequence number fences it. Or it is idle: comparing its
// claims tells it. Both times the lane is taken again, at the position that the database still has,
// and the lost events are applied after all.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

constexpr int kTriesMax =
    20;  // a flush may fall into the window; then there is nothing to see, and we try again

class ConfirmedTransactionsLost : public ::testing::Test {
 protected:
  void SetUp() override {
    scenario.database().execute("alter system set wal_writer_delay = '10s'");
    scenario.database().execute("select pg_reload_conf()");
  }
  void TearDown() override {
    scenario.database().execute("alter system reset wal_writer_delay");
    scenario.database().execute("select pg_reload_conf()");
  }

  // Publishes the next record by itself and waits until its transaction is confirmed to the worker.
  void apply_next(WorkerProcess& worker) {
    const int before = worker.count({"batch.committed"});
    scenario.publish(generated.records, published, published + 1);
    ++published;
    ASSERT_TRUE(scenario.board().wait_until([&] {
      return worker.count({"batch.committed"}) > before;
    })) << worker.tail();
  }

  // Crashes the database right after confirmed transactions; whether any of them was lost.
  bool crash_and_lose(WorkerProcess& worker) {
    apply_next(worker);  // wakes the WAL writer, which then rests for 10 s
    apply_next(worker);
    apply_next(worker);
    worker.signal(SIGSTOP);
    stack("crash-db");
    const std::int64_t left = scenario.number("select sum(next_offset) from spool.lanes");
    return left < static_cast<std::int64_t>(published);
  }

  Scenario scenario{{.partitions = 1,
                     .worker = {{"SPOOL__CONSUMER__CHECK_INTERVAL", "300ms"},
                                {"SPOOL__CONSUMER__SESSION_TIMEOUT", "30s"}}}};
  Generated generated = generate(
      {.seed = 6, .events = 400, .keys = 40, .partitions = 1, .duplicates = 0, .poison = 0});
  std::size_t published = 0;
};

TEST_F(ConfirmedTransactionsLost, AndTheOwnerHasMoreWork) {
  WorkerProcess& worker = scenario.start_worker();
  bool lost = false;
  for (int attempt = 0; attempt < kTriesMax && !lost; ++attempt) {
    lost = crash_and_lose(worker);
    scenario.publish(generated.records, published, published + 1);
    ++published;
    worker.signal(SIGCONT);
    ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  }
  ASSERT_TRUE(lost) << "no transaction was ever lost";
  scenario.publish(generated.records, published, generated.records.size());
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

TEST_F(ConfirmedTransactionsLost, AndTheOwnerIsIdle) {
  WorkerProcess& worker = scenario.start_worker();
  bool lost = false;
  for (int attempt = 0; attempt < kTriesMax && !lost; ++attempt) {
    lost = crash_and_lose(worker);
    worker.signal(SIGCONT);
    // Nothing is published: only the comparison can tell.
    ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  }
  ASSERT_TRUE(lost) << "no transaction was ever lost";
  EXPECT_EQ(scenario.number("select sum(next_offset) from spool.lanes"),
            static_cast<std::int64_t>(published));
  scenario.publish(generated.records, published, generated.records.size());
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

}  // namespace
}  // namespace spool::test
