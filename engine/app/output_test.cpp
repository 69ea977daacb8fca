#include "engine/app/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace spool::app {
namespace {

constexpr base::EpochMicros kAt = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

class OutputTest : public testing::Test {
 protected:
  Output make(OutputFormat format) {
    OutputSettings settings;
    settings.format = format;
    return {stream_, settings};
  }
  std::string text() const { return stream_.str(); }

  const std::vector<std::string> keys_ = {"name", "count_of", "at"};
  const std::vector<std::vector<Cell>> rows_ = {
      {std::string("a"), std::int64_t{7}, Time{kAt}},
      {std::string("Zoë\n"), std::int64_t{123456789}, {}}};
  std::ostringstream stream_;
};

TEST_F(OutputTest, AlignsTables) {
  make(OutputFormat::text).list(keys_, rows_, "none");
  EXPECT_EQ(text(),
            "NAME    COUNT OF  AT\n"
            "a              7  2026-01-02T03:04:05.000000Z\n"
            "Zoë\\n  123456789  -\n");
}

TEST_F(OutputTest, SaysOnlyInTextThatThereIsNothing) {
  make(OutputFormat::text).list(keys_, {}, "no letters");
  make(OutputFormat::json).list(keys_, {}, "no letters");
  make(OutputFormat::jsonl).list(keys_, {}, "no letters");
  EXPECT_EQ(text(), "no letters\n[]\n");
}

TEST_F(OutputTest, WritesJson) {
  make(OutputFormat::json).list(keys_, rows_, "");
  EXPECT_EQ(text(),
            "[\n"
            R"(  {"name": "a", "count_of": 7, "at": "2026-01-02T03:04:05.000000Z"},)"
            "\n"
            R"(  {"name": "Zoë\n", "count_of": 123456789, "at": null})"
            "\n]\n");
}

TEST_F(OutputTest, WritesAnObjectALine) {
  make(OutputFormat::jsonl).list(keys_, rows_, "");
  EXPECT_EQ(text(), R"({"name": "a", "count_of": 7, "at": "2026-01-02T03:04:05.000000Z"})"
                    "\n"
                    R"({"name": "Zoë\n", "count_of": 123456789, "at": null})"
                    "\n");
}

TEST_F(OutputTest, CarriesTheNextPageInJson) {
  make(OutputFormat::json).page({"name"}, {{std::string("a")}}, "", "7_x");
  make(OutputFormat::json).page({"name"}, {}, "", "");
  EXPECT_EQ(text(),
            "{\n  \"items\": [\n    {\"name\": \"a\"}\n  ],\n  \"next\": \"7_x\"\n}\n"
            "{\n  \"items\": [],\n  \"next\": null\n}\n");
}

TEST_F(OutputTest, ShowsOneThing) {
  const Record record = {{"user_id", std::int64_t{7}}, {"seen", true}};
  make(OutputFormat::text).record(record);
  make(OutputFormat::json).record(record);
  make(OutputFormat::text).line(record);
  make(OutputFormat::json).line(record);
  EXPECT_EQ(text(),
            "user id  7\nseen     yes\n"
            "{\n  \"user_id\": 7,\n  \"seen\": true\n}\n"
            "7 yes\n"
            "{\"user_id\": 7, \"seen\": true}\n");
}

TEST_F(OutputTest, WritesNothingWhenAskedTo) {
  Output output = make(OutputFormat::none);
  output.list(keys_, rows_, "none");
  output.page(keys_, rows_, "none", "x");
  output.record({{"a", true}});
  output.line({{"a", true}});
  output.document("text");
  output.say("text", {{"a", true}});
  EXPECT_EQ(text(), "");
}

TEST_F(OutputTest, ShowsTimesAsAsked) {
  OutputSettings settings;
  settings.now = kAt + 90'000'000;
  settings.time_format = TimeFormat::relative;
  EXPECT_EQ(to_text(Time{kAt}, settings), "90 s ago");
  EXPECT_EQ(to_text(Time{kAt + 3LL * 86'400 * 1'000'000}, settings), "in 2 d");
  settings.time_format = TimeFormat::unix_seconds;
  EXPECT_EQ(to_text(Time{kAt}, settings), "1767323045");
  EXPECT_EQ(to_json(Time{kAt}), "\"2026-01-02T03:04:05.000000Z\"");
}

TEST_F(OutputTest, ColorsOnlyTheHead) {
  OutputSettings settings;
  settings.color = true;
  Output(stream_, settings).list({"a"}, {{std::string("\x1b[31m")}}, "");
  EXPECT_EQ(text(), "\x1b[1mA\x1b[0m\n\\x1b[31m\n");
}

}  // namespace
}  // namespace spool::app
