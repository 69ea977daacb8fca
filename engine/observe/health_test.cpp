#include "engine/observe/health.hpp"

#include <gtest/gtest.h>

namespace spool::observe {
namespace {

TEST(Health, NothingToCheckIsOk) {
  EXPECT_TRUE(Health().report(Probe::live).ok);
  EXPECT_EQ(render(Health().report(Probe::live), false), "ok\n");
}

TEST(Health, AProbeIsOkWhenAllItsChecksAre) {
  Health health;
  health.add(Probe::ready, "database");
  health.add(Probe::ready, "kafka");
  health.add(Probe::live, "loop");
  EXPECT_FALSE(health.report(Probe::ready).ok);
  health.set("database", {true, "connected"});
  EXPECT_FALSE(health.report(Probe::ready).ok);
  health.set("kafka", {true, "3 lanes"});
  EXPECT_TRUE(health.report(Probe::ready).ok);
  EXPECT_FALSE(health.report(Probe::live).ok);  // its own check was never set
  health.set("kafka", {false, "no broker"});
  EXPECT_FALSE(health.report(Probe::ready).ok);
}

TEST(Health, AsksWhenSomebodyLooks) {
  Health health;
  bool alive = true;
  health.add(Probe::live, "loop", [&] { return CheckState{alive, alive ? "turning" : "stuck"}; });
  EXPECT_TRUE(health.report(Probe::live).ok);
  alive = false;
  EXPECT_FALSE(health.report(Probe::live).ok);
  EXPECT_EQ(health.check(Probe::live, "loop")->text, "stuck");
}

TEST(Health, FindsOneCheckOfItsOwnProbe) {
  Health health;
  health.add(Probe::ready, "kafka");
  EXPECT_EQ(health.check(Probe::ready, "kafka")->text, "not known yet");
  EXPECT_FALSE(health.check(Probe::live, "kafka").has_value());
  EXPECT_FALSE(health.check(Probe::ready, "redis").has_value());
}

TEST(Health, RendersForPeople) {
  Health health;
  health.add(Probe::ready, "kafka");
  health.add(Probe::ready, "database");
  health.set("kafka", {true, "connected"});
  health.set("database", {false, "no answer"});
  const HealthReport report = health.report(Probe::ready);
  EXPECT_EQ(render(report, false), "failed: database\n");
  EXPECT_EQ(render(report, true),
            "[-] database: no answer\n[+] kafka: connected\nfailed: database\n");
}

}  // namespace
}  // namespace spool::observe
