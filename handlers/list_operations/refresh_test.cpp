#include "handlers/list_operations/refresh.hpp"

#include <gtest/gtest.h>

namespace spool::list_operations {
namespace {

const ListState kMirror{Existence::exists, {"Noir", "dark", true, "en"}, {1, 2, 3}, true};

TEST(Refresh, WhatContradictsIsNamed) {
  const ListState there{Existence::exists, {"West", "light", false, "de"}, {3, 5, 4}, true};
  EXPECT_EQ(details_json(compared(kMirror, there)),
            R"({"differs":true,"partial":false,"existence":"exists",)"
            R"("fields":["name","description","public","language"],)"
            R"("only_in_mirror":[1,2],"only_at_tmdb":[4,5]})");
}

TEST(Refresh, OfTheSameNothingIs) {
  const std::string nothing = R"("fields":[],"only_in_mirror":[],"only_at_tmdb":[]})";
  EXPECT_EQ(details_json(compared(kMirror, kMirror)),
            R"({"differs":false,"partial":false,"existence":"exists",)" + nothing);
  EXPECT_EQ(details_json(compared(kMirror, {.existence = Existence::gone})),
            R"({"differs":true,"partial":false,"existence":"gone",)" + nothing);
}

TEST(Refresh, AMirrorThatDoesNotKnowTheWholeListIsPartial) {
  EXPECT_TRUE(compared({}, kMirror).partial);
  ListState part = kMirror;
  part.complete = false;
  EXPECT_TRUE(compared(part, kMirror).partial);
  EXPECT_FALSE(compared(kMirror, part).partial);
}

}  // namespace
}  // namespace spool::list_operations
