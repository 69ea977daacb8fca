#include "tests/tmdb/faults.hpp"

#include <gmock/gmock.h>

namespace spool::standin {
namespace {

// 'x' for each of `count` requests of the route that meets a fault.
std::string met(Faults& faults, std::string_view route, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += faults.meet(route).fault ? 'x' : '.';
  return all;
}

TEST(Faults, PickByNumber) {
  Faults faults(1);
  ASSERT_TRUE(faults.set(R"([{"route":"list.add","kind":"status","every_nth":3}])"));
  EXPECT_EQ(met(faults, "list.add", 7), "..x..x.");
  EXPECT_EQ(met(faults, "list.remove", 3), "...");
  ASSERT_TRUE(faults.set(R"([{"route":"list.*","kind":"status","skip":1,"count":2}])"));
  EXPECT_EQ(met(faults, "list.remove", 5), ".xx..");
  faults.clear();
  EXPECT_EQ(met(faults, "list.remove", 2), "..");
}

TEST(Faults, OfOneSeedAreTheSameWhateverOtherRoutesDo) {
  const char* rules = R"({"seed":5,"rules":[{"route":"list.add","kind":"status","probability":0.5},
                          {"route":"list.get","kind":"status","probability":0.5}]})";
  Faults one(1);
  Faults two(2);
  ASSERT_TRUE(one.set(rules));
  ASSERT_TRUE(two.set(rules));
  met(two, "list.get", 100);
  const std::string first = met(one, "list.add", 200);
  EXPECT_EQ(first, met(two, "list.add", 200));
  EXPECT_GT(std::ranges::count(first, 'x'), 60);
  EXPECT_LT(std::ranges::count(first, 'x'), 140);
  Faults other(6);
  ASSERT_TRUE(other.set(R"([{"route":"list.add","kind":"status","probability":0.5}])"));
  EXPECT_NE(first, met(other, "list.add", 200));
}

TEST(Faults, LatenciesAddUpAndTheFirstOtherRuleWins) {
  Faults faults(1);
  ASSERT_TRUE(faults.set(R"([{"route":"*","kind":"latency_ms","ms":20},
                             {"route":"*","kind":"html_200","count":1},
                             {"route":"list.add","kind":"latency_ms","ms":5},
                             {"route":"*","kind":"reset_before","count":1},
                             {"route":"*","kind":"late_effect_ms","ms":7}])"));
  const Met first = faults.meet("list.add");
  EXPECT_EQ(first.late_ms, 25);
  EXPECT_EQ(first.late_effect_ms, 7);
  EXPECT_EQ(first.fault->kind, FaultKind::html_200);
  EXPECT_EQ(faults.meet("list.add").fault->kind, FaultKind::reset_before);
  EXPECT_FALSE(faults.meet("list.add").fault);
}

TEST(Faults, WhatIsNoRuleIsRefusedAndChangesNothing) {
  Faults faults(1);
  ASSERT_TRUE(faults.set(R"([{"route":"*","kind":"status"}])"));
  for (const char* wrong :
       {"", "{}", R"([{"route":"*"}])", R"([{"kind":"status"}])", R"([{"route":"*","kind":"x"}])",
        R"([{"route":"*","kind":"latency_ms"}])", R"([{"route":"*","kind":"status","what":1}])",
        R"([{"route":"*","kind":"status","probability":1.5}])",
        R"([{"route":"*","kind":"status","code":99}])",
        R"([{"route":"*","kind":"status","count":-1}])",
        R"([{"route":"*","kind":"status","probability":0.5,"every_nth":2}])"}) {
    EXPECT_FALSE(faults.set(wrong)) << wrong;
  }
  EXPECT_EQ(met(faults, "list.add", 1), "x");
}

}  // namespace
}  // namespace spool::standin
