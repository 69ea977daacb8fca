#include "engine/app/arguments.hpp"

#include <gtest/gtest.h>

namespace spool::app {
namespace {

TEST(Arguments, KnowsWhatWasGiven) {
  Arguments arguments;
  arguments.set("key", {"a", "b"});
  EXPECT_TRUE(arguments.has("key"));
  EXPECT_FALSE(arguments.has("other"));
  EXPECT_EQ(arguments.get("key"), "b");
  EXPECT_EQ(arguments.get("other"), std::nullopt);
  EXPECT_EQ(arguments.get_or("other", "x"), "x");
  EXPECT_EQ(arguments.all("key").size(), 2U);
}

TEST(Arguments, ReadsNumbersWithinTheirBounds) {
  Arguments arguments;
  arguments.set("limit", {"10"});
  EXPECT_EQ(**arguments.number("limit", 1, 10), 10);
  EXPECT_EQ(*arguments.number("absent", 1, 10), std::nullopt);
  EXPECT_FALSE(arguments.number("limit", 1, 9));
  EXPECT_FALSE(arguments.number("limit", 11, 20));
  for (const char* text : {"", "ten", "1x", " 1", "1.5", "99999999999999999999"}) {
    arguments.set("limit", {text});
    const auto number = arguments.number("limit", 0, 1'000'000);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.failure().kind, base::FailureKind::invalid);
    EXPECT_NE(number.failure().text.find("limit"), std::string::npos);
  }
}

}  // namespace
}  // namespace spool::app
