// The story: the database goes away and comes back. The worker stays alive all the time, is not
// ready in between and says why, keeps answering /metrics, and goes on by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/admin/http_get.hpp"
#include "tests/support/scenario.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace spool::test {
namespace {

using ::testing::HasSubstr;

TEST(ReadinessFollowsTheDatabase, AndLivenessDoesNot) {
  Scenario scenario({.partitions = 2, .worker = {{"SPOOL__CONSUMER__CHECK_INTERVAL", "300ms"}}});
  const Generated generated = generate({.seed = 14, .events = 2'000, .partitions = 2});
  TcpProxy proxy(port_of(scenario.database_url()));
  WorkerProcess& worker =
      scenario.start_worker({{"SPOOL__DATABASE__URL", through(proxy, scenario.database_url())}});
  const std::string base = "http://127.0.0.1:" + std::to_string(worker.admin_port());
  const auto get = [&](const std::string& path) {
    auto answer = admin::http_get(base + path, std::chrono::seconds(10));
    EXPECT_TRUE(answer) << path << ": " << answer.failure().text;
    return answer ? *answer : admin::HttpAnswer{};
  };
  scenario.publish(generated.records, 0, 1'000);
  ASSERT_TRUE(scenario.wait_caught_up()) << worker.tail();
  ASSERT_TRUE(scenario.board().wait_until([&] {
    scenario.board().line_written();  // readiness writes no line: ask again at once
    return get("/readyz").status == 200;
  })) << get("/readyz?verbose").body;

  proxy.refuse(true);
  proxy.cut();
  ASSERT_TRUE(worker.says({"database.away"})) << worker.tail();
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz?verbose").body, HasSubstr("[-] database"));
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/version").status, 200);
  scenario.publish(generated.records, 1'000, 2'000);
  ASSERT_TRUE(worker.says({"lane.job_failed", "\"job\":\"apply\""})) << worker.tail();
  EXPECT_THAT(get("/metrics").body, HasSubstr("spool_db_errors_total"));

  proxy.refuse(false);
  ASSERT_TRUE(worker.says({"database.reachable"})) << worker.tail();
  ASSERT_TRUE(scenario.wait_caught_up()) << worker.tail();
  scenario.expect_matches(generated);
  EXPECT_EQ(get("/readyz/database").status, 200);
}

}  // namespace
}  // namespace spool::test
