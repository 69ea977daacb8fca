// The story: operators stop workers. SIGTERM finishes what was begun and ends with exit code 0; if
// the database does not come back within the deadline it says what it left and ends with 1; a
// second SIGTERM ends at once.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/scenario.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace spool::test {
namespace {

TEST(Termination, DrainsAndSaysSo) {
  Scenario scenario({.partitions = 2});
  const Generated generated = generate({.seed = 11, .events = 5'000, .partitions = 2});
  scenario.publish(generated.records);
  WorkerProcess& worker = scenario.start_worker();
  ASSERT_TRUE(worker.says({"batch.committed"})) << worker.tail();
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait_exit(), 0) << worker.tail();
  EXPECT_EQ(worker.count({"worker.draining"}), 1);
  EXPECT_EQ(worker.count({"worker.left_work"}), 0);
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

// The database refuses everything from some moment on, while records wait in memory.
class TerminationWithoutDatabase : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string url = scenario.database_url();
    proxy = std::make_unique<TcpProxy>(port_of(url));
    worker = &scenario.start_worker({{"SPOOL__DATABASE__URL", through(*proxy, url)},
                                     {"SPOOL__CONSUMER__DRAIN_TIMEOUT", drain_timeout}});
    ASSERT_TRUE(worker->says({"lane.taken"})) << worker->tail();
    scenario.publish(generated.records, 0, 100);
    ASSERT_TRUE(worker->says({"batch.committed"})) << worker->tail();
    proxy->refuse(true);
    proxy->cut();
    scenario.publish(generated.records, 100, 200);
    ASSERT_TRUE(worker->says({"lane.job_failed", "\"job\":\"apply\""})) << worker->tail();
    worker->signal(SIGTERM);
    ASSERT_TRUE(worker->says({"worker.draining"})) << worker->tail();
  }

  std::string drain_timeout = "60s";
  Scenario scenario{{.partitions = 1}};
  Generated generated = generate({.seed = 12, .events = 200, .keys = 50, .partitions = 1});
  std::unique_ptr<TcpProxy> proxy;
  WorkerProcess* worker = nullptr;
};

TEST_F(TerminationWithoutDatabase, SecondSignalEndsAtOnce) {
  worker->signal(SIGTERM);
  EXPECT_EQ(worker->wait_exit(), 130) << worker->tail();
  EXPECT_EQ(worker->count({"worker.stopped_at_once"}), 1);
}

class TerminationWithShortDeadline : public TerminationWithoutDatabase {
 protected:
  TerminationWithShortDeadline() { drain_timeout = "1s"; }
};

TEST_F(TerminationWithShortDeadline, SaysWhatItLeft) {
  EXPECT_EQ(worker->wait_exit(), 1) << worker->tail();
  EXPECT_EQ(worker->count({"worker.left_work", "\"records\":"}), 1) << worker->tail();
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  EXPECT_EQ(scenario.number("select sum(applied + dead) from spool.lanes"), 200);
}

}  // namespace
}  // namespace spool::test
