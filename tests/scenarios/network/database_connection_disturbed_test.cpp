// The story: between the worker and PostgreSQL stands a network that cuts connections in the middle
// of transactions, is slow, and at last swallows everything without a word. After each the worker
// must recover by itself, with nothing lost and nothing twice.
#include <gtest/gtest.h>

#include "tests/support/scenario.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace spool::test {
namespace {

class DatabaseConnectionDisturbed : public ::testing::Test {
 protected:
  void SetUp() override {
    worker =
        &scenario.start_worker({{"SPOOL__DATABASE__URL", through(proxy, scenario.database_url())}});
    scenario.publish(generated.records, 0, generated.records.size() / 2);
    wait_for_batches(10);
  }

  void wait_for_batches(int more) {
    const int wanted = worker->count({"batch.committed"}) + more;
    ASSERT_TRUE(scenario.board().wait_until([&] {
      return worker->count({"batch.committed"}) >= wanted;
    })) << worker->tail();
  }

  void finish() {
    scenario.publish(generated.records, generated.records.size() / 2, generated.records.size());
    ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
    scenario.expect_matches(generated);
  }

  Scenario scenario{{.partitions = 8,
                     .worker = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "200"},
                                {"SPOOL__CONSUMER__CHECK_INTERVAL", "300ms"},
                                {"SPOOL__DATABASE__STATEMENT_TIMEOUT", "2s"}}}};
  Generated generated = generate({.seed = 8, .events = 60'000});
  TcpProxy proxy{port_of(scenario.database_url())};
  WorkerProcess* worker = nullptr;
};

TEST_F(DatabaseConnectionDisturbed, Cut) {
  for (int i = 0; i < 5; ++i) {
    proxy.cut();
    wait_for_batches(5);
  }
  EXPECT_GT(worker->count({"lane.job_failed"}), 0);
  EXPECT_GT(proxy.accepted(), 5);
  finish();
}

TEST_F(DatabaseConnectionDisturbed, Slow) {
  proxy.delay(std::chrono::milliseconds(50));
  wait_for_batches(10);
  proxy.delay(std::chrono::milliseconds(0));
  EXPECT_EQ(worker->count({"lane.job_failed"}), 0);
  finish();
}

// Nothing is answered, nothing is closed, and the proxy acknowledges every packet: only our own
// deadline helps.
TEST_F(DatabaseConnectionDisturbed, Swallowed) {
  proxy.stall();
  ASSERT_TRUE(worker->says({"lane.job_failed", "\"job\":\"apply\""})) << worker->tail();
  proxy.cut();
  proxy.resume();
  wait_for_batches(5);
  finish();
}

}  // namespace
}  // namespace spool::test
