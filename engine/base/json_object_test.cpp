#include "engine/base/json_object.hpp"

#include <gtest/gtest.h>

namespace spool::base {
namespace {

TEST(JsonObject, MembersStandInTheOrderInWhichTheyWereAdded) {
  JsonObject object;
  EXPECT_EQ(object.str(), "{}");
  object.text("b", "\"x\"\n");
  object.number("a", -7);
  object.json("list", "[1,2]");
  EXPECT_EQ(object.str(), R"({"b":"\"x\"\n","a":-7,"list":[1,2]})");
}

}  // namespace
}  // namespace spool::base
