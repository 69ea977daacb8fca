#include "handlers/progress_events/progress_commands.hpp"

#include <gtest/gtest.h>

namespace spool::progress_events {
namespace {

TEST(ProgressCommands, ReadsMediaAndWritesItBack) {
  for (const char* text : {"movie:603", "tv:1399:1:2", "tv:1399:0:32767"}) {
    const auto item = parse_media(7, text);
    ASSERT_TRUE(item) << text;
    EXPECT_EQ(item->user_id, 7);
    EXPECT_EQ(media_text(*item), text);
  }
  EXPECT_EQ(*parse_media(7, "tv:1399:1:2"), (Item{7, MediaType::tv, 1399, 1, 2}));
}

TEST(ProgressCommands, RefusesOtherMedia) {
  for (const char* text : {"", "603", "movie", "movie:", "movie:0", "movie:-1", "movie:603:1",
                           "movie:x", "movie:2147483648", "tv:1399", "tv:1399:1", "tv:1399:1:2:3",
                           "tv:1399:1:-2", "tv:1399:1:32768", "film:603", "movie:603 "}) {
    const auto item = parse_media(7, text);
    ASSERT_FALSE(item) << text;
    EXPECT_EQ(item.failure().kind, base::FailureKind::invalid);
  }
}

TEST(ProgressCommands, DerivesTheKeyFromTheData) {
  EXPECT_EQ(publish_key("progress.v1", R"({"user_id": 7, "tmdb_id": 603})"), "7:603");
  EXPECT_EQ(publish_key("progress.v1", R"({"tmdb_id": 603, "position_s": "x", "user_id": 7})"),
            "7:603")
      << "invalid elsewhere";
  EXPECT_EQ(publish_key("other.v1", R"({"user_id": 7, "tmdb_id": 603})"), std::nullopt);
  for (const char* data :
       {"", "not json {", "{}", R"({"user_id": 7})", R"({"user_id": "7", "tmdb_id": 603})"})
    EXPECT_EQ(publish_key("progress.v1", data), std::nullopt) << data;
}

}  // namespace
}  // namespace spool::progress_events
