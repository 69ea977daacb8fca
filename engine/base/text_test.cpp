#include "engine/base/text.hpp"

#include <gtest/gtest.h>

namespace spool::base {
namespace {

TEST(Printable, KeepsGoodTextAndCutsAtACharacter) {
  EXPECT_EQ(printable("grüße", 100), "grüße");
  EXPECT_EQ(printable("grüße", 3), "gr");  // ü would be cut in half
  EXPECT_EQ(printable("grüße", 4), "grü");
}

TEST(Printable, ReplacesWhatPostgresRefuses) {
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 10), "a?b");
  EXPECT_EQ(printable("a\xff\xc0z", 10), "a??z");
  EXPECT_EQ(printable("\xed\xa0\x80", 10), "???");       // a lone surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80", 10), "????");  // beyond U+10FFFF
  EXPECT_EQ(printable("\xe2\x82", 10), "??");            // cut off
}

TEST(JsonQuoted, EscapesWhatJsonAndTerminalsMind) {
  std::string out = "x";
  append_json_quoted(out, "a\"b\\c\n\t\x01\x7f\u0085ü");
  EXPECT_EQ(out, "x\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\\u0085ü\"");
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(nearest("databse", {"database", "kafka"}), "database");
  EXPECT_EQ(nearest("zzzzzz", {"database", "kafka"}), "");
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace
}  // namespace spool::base
