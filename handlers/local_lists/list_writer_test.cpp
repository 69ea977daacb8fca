#include "handlers/local_lists/list_writer.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace spool::local_lists {
namespace {

constexpr base::EpochMicros kTime = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

std::string written(FileFormat format, bool any = true) {
  std::ostringstream out;
  ListWriter writer(out, format);
  writer.begin({"No\"ir", std::nullopt, true, "en"});
  if (any) writer.movie(550, 1, kTime);
  if (any) writer.movie(551, 2, 0);
  writer.end();
  return out.str();
}

TEST(ListWriter, CsvIsAsTheStandardWantsIt) {
  EXPECT_EQ(written(FileFormat::csv),
            "movie_id,position,added_at\r\n550,1,2026-01-02T03:04:05.000000Z\r\n551,2,\r\n");
  EXPECT_EQ(written(FileFormat::csv, false), "movie_id,position,added_at\r\n");
}

TEST(ListWriter, JsonIsOneObject) {
  EXPECT_EQ(written(FileFormat::json),
            "{\n  \"name\": \"No\\\"ir\",\n  \"description\": null,\n  \"public\": true,\n"
            "  \"language\": \"en\",\n  \"movies\": [\n"
            "    {\"movie_id\": 550, \"position\": 1, \"added_at\": "
            "\"2026-01-02T03:04:05.000000Z\"},\n"
            "    {\"movie_id\": 551, \"position\": 2}\n  ]\n}\n");
}

TEST(ListWriter, WhatIsWrittenIsReadBack) {
  for (const FileFormat format : {FileFormat::csv, FileFormat::json}) {
    for (const bool any : {true, false}) {
      const auto file = read_list_file(written(format, any), std::nullopt);
      ASSERT_TRUE(file.ok()) << file.failure().text;
      EXPECT_EQ(file->format, format);
      EXPECT_TRUE(file->problems.empty());
      ASSERT_EQ(file->movies.size(), any ? 2U : 0U);
      if (format == FileFormat::json) {
        EXPECT_EQ(file->fields.name, "No\"ir");
        EXPECT_EQ(file->fields.is_public, true);
      }
      if (!any) continue;
      EXPECT_EQ(file->movies[0].movie_id, 550);
      EXPECT_EQ(file->movies[0].position, 1);
      EXPECT_EQ(file->movies[0].added_at, kTime);
      EXPECT_EQ(file->movies[1].added_at, std::nullopt);
    }
  }
}

}  // namespace
}  // namespace spool::local_lists
