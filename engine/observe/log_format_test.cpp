#include "engine/observe/log_format.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>
#include <string>
#include <vector>

namespace spool::observe {
namespace {

constexpr base::EpochMicros kTime = 1767323045678901;  // 2026-01-02T03:04:05.678901Z

LogLine line_of(const std::vector<Field>& fields) {
  return {kTime, Level::info, "lane.taken", fields};
}

// The value of "v" in the JSON line, read back by a parser.
std::string json_round_trip(std::string_view value) {
  const std::vector<Field> fields = {{"v", value}};
  const simdjson::padded_string text(format_json(line_of(fields)));
  EXPECT_EQ(std::string_view(text).find('\n'), std::string_view::npos);
  simdjson::dom::parser parser;
  std::string_view read;
  EXPECT_EQ(parser.parse(text)["v"].get(read), simdjson::SUCCESS) << std::string_view(text);
  return std::string(read);
}

TEST(LogText, IsOneLineOfWords) {
  const std::vector<Field> fields = {
      {"lane", "progress_events/3"}, {"epoch", 3}, {"seconds", 0.25}, {"first", true}};
  EXPECT_EQ(format_text(line_of(fields)),
            "2026-01-02T03:04:05.678901Z INFO  lane.taken lane=progress_events/3 epoch=3 "
            "seconds=0.25 first=true");
}

TEST(LogText, QuotesWhatWouldMislead) {
  const std::vector<Field> fields = {{"a", "two words"},
                                     {"b", ""},
                                     {"c", "x=y"},
                                     {"d", "\x1b[31m\n"},
                                     {"e",
                                      "\xc2\x9b"
                                      "2J"}};
  EXPECT_EQ(format_text(line_of(fields)),
            "2026-01-02T03:04:05.678901Z INFO  lane.taken a=\"two words\" b=\"\" c=\"x=y\" "
            "d=\"\\u001b[31m\\n\" e=\"\\u009b2J\"");
}

TEST(LogJson, HasTheStandingFieldsFirst) {
  const std::vector<Field> fields = {{"lane", "p/3"}, {"epoch", 3}, {"ok", false}};
  EXPECT_EQ(format_json(line_of(fields)),
            "{\"ts\":\"2026-01-02T03:04:05.678901Z\",\"level\":\"info\",\"event\":\"lane.taken\","
            "\"lane\":\"p/3\",\"epoch\":3,\"ok\":false}");
}

TEST(LogJson, AnyTextSurvives) {
  for (const std::string text : {"plain", "quote \" and \\ and /", "tab\tnewline\nreturn\r",
                                 "grüße 漢 🎬", "\x01\x1f\x7f", "\xc2\x85", ""}) {
    EXPECT_EQ(json_round_trip(text), text);
  }
}

TEST(LogJson, BrokenBytesBecomeQuestionMarks) {
  EXPECT_EQ(json_round_trip("a\xff\xfez"), "a??z");
  EXPECT_EQ(json_round_trip(std::string_view("a\0b", 3)), "a?b");
}

TEST(LogJson, ValuesAreCutAtACharacter) {
  EXPECT_EQ(json_round_trip(std::string(5000, 'x')), std::string(1024, 'x'));
  EXPECT_EQ(json_round_trip("x" + std::string(1023, 'y') + "z").size(), 1024U);
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  EXPECT_EQ(json_round_trip(umlauts).size(), 1023U);
}

TEST(LogJson, NumbersStayNumbers) {
  const std::vector<Field> fields = {{"small", std::numeric_limits<std::int64_t>::min()},
                                     {"large", std::numeric_limits<std::uint64_t>::max()},
                                     {"size", std::size_t{7}},
                                     {"ratio", 1e-9},
                                     {"none", std::numeric_limits<double>::quiet_NaN()}};
  simdjson::dom::parser parser;
  const simdjson::padded_string text(format_json(line_of(fields)));
  simdjson::dom::element read;
  ASSERT_EQ(parser.parse(text).get(read), simdjson::SUCCESS) << std::string_view(text);
  EXPECT_EQ(std::int64_t(read["small"]), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(std::uint64_t(read["large"]), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(std::uint64_t(read["size"]), 7U);
  EXPECT_EQ(double(read["ratio"]), 1e-9);
  EXPECT_TRUE(read["none"].is_null());
}

}  // namespace
}  // namespace spool::observe
