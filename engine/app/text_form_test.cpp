#include "engine/app/text_form.hpp"

#include <gtest/gtest.h>

namespace spool::app {
namespace {

TEST(TextForm, QuotesJson) {
  EXPECT_EQ(json_quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_quoted("1\n2\t3\r\x1b[31m\x7f"), R"("1\n2\t3\r\u001b[31m\u007f")");
  EXPECT_EQ(json_quoted("\xc2\x85|"), R"("\u0085|")");
  EXPECT_EQ(json_quoted("\xff"), R"("?")");
  EXPECT_EQ(json_quoted("Zoë 映画"), "\"Zoë 映画\"");
  EXPECT_EQ(json_quoted(std::string(5000, 'x')).size(), 5002U) << "nothing is cut";
}

TEST(TextForm, MakesControlCharactersVisible) {
  EXPECT_EQ(visible("a\x1b[2Jb\n"), R"(a\x1b[2Jb\n)");
  EXPECT_EQ(visible("\xc2\x9b"
                    "1m"),
            R"(\u009b1m)");
  EXPECT_EQ(visible("Zoë"), "Zoë");
}

TEST(TextForm, TellsTextFromBytes) {
  EXPECT_TRUE(is_plain_text("{\n\t\"a\": 1\r\n}"));
  EXPECT_TRUE(is_plain_text(""));
  EXPECT_FALSE(is_plain_text("\x1b[31m"));
  EXPECT_FALSE(is_plain_text(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_plain_text("\xc3"));
}

// RFC 4648, section 10.
TEST(TextForm, EncodesBase64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(TextForm, CountsCharactersNotBytes) {
  EXPECT_EQ(columns("Zoë"), 3U);
  EXPECT_EQ(columns(""), 0U);
}

}  // namespace
}  // namespace spool::app
