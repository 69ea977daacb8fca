// A list as people look at it, through its copy and past it: without a worker.
#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ListCacheCliTest : public CliTest {
 protected:
  ListCacheCliTest() {
    environment_["SPOOL__LISTS__CACHE_TTL"] = "10m";
    database_.execute(
        "insert into media.lists (tmdb_user_id, tmdb_list_id, existence, name, last_synced_at)"
        " values (42, 77, 'exists', 'Noir', now() - interval '2 hours');"
        " insert into media.user_list_items (list_id, movie_id)"
        " select id, 550 + n from media.lists, generate_series(0, 1) n");
  }

  static testing::Matcher<std::string> is_from(const std::string& source, bool stale = false) {
    return AllOf(HasSubstr("\"source\": \"" + source + "\""),
                 HasSubstr(std::string("\"stale\": ") + (stale ? "true" : "false")),
                 HasSubstr("\"name\": \"Noir\""),
                 HasSubstr("{\"movie_id\": 550, \"mark\": \"settled\", \"confirmed\": true"));
  }
  Ended show(const std::string& more = {}) {
    std::vector<std::string> words = {"lists", "show", "77", "-o", "json"};
    if (!more.empty()) words.push_back(more);
    return spool(words);
  }
};

TEST_F(ListCacheCliTest, AListIsShownFromItsCopyAndCounted) {
  EXPECT_THAT(show().out, is_from("database"));
  const Ended second = show();
  EXPECT_THAT(second.out, is_from("cache"));
  EXPECT_THAT(second.err, IsEmpty());
  EXPECT_THAT(show("--no-cache").out, is_from("database"));
  EXPECT_THAT(spool({"lists", "show", "77", "--limit", "1"}).out,
              AllOf(HasSubstr("cache"), HasSubstr("550"), Not(HasSubstr("551"))));
  const Ended cache = spool({"lists", "cache", "-o", "json"});
  EXPECT_EQ(cache.code, 0) << cache.err;
  EXPECT_THAT(cache.out, AllOf(HasSubstr("\"entries\": 1"), HasSubstr("\"in_use\": 1"),
                               HasSubstr("\"filled\": 1"), Not(HasSubstr("\"bytes\": 0")),
                               HasSubstr("\"hits\": 2, \"misses\": 1, \"stale\": 0")));
  EXPECT_THAT(spool({"lists", "cache"}).out, AllOf(HasSubstr("filled"), HasSubstr("MISSES")));
}

TEST_F(ListCacheCliTest, WhatBecameOldIsShownMarkedAndAskedFor) {
  environment_["SPOOL__LISTS__REFRESH_INTERVAL"] = "1h";
  for (const char* source : {"database", "cache"}) {
    const Ended shown = show();
    EXPECT_EQ(shown.code, 0);
    EXPECT_THAT(shown.out, is_from(source, true));
    EXPECT_THAT(shown.err, HasSubstr("last read from TMDB at "));
  }
  EXPECT_THAT(spool({"lists", "cache", "-o", "json"}).out,
              AllOf(HasSubstr("\"refreshes_wanted\": 1"),
                    HasSubstr("\"hits\": 0, \"misses\": 0, \"stale\": 2")));
}

TEST_F(ListCacheCliTest, WithoutCopiesThereIsNothingToCount) {
  environment_["SPOOL__LISTS__CACHE_TTL"] = "0s";
  for (int i = 0; i < 2; ++i) EXPECT_THAT(show().out, is_from("database"));
  const Ended cache = spool({"lists", "cache"});
  EXPECT_EQ(cache.code, 0);
  EXPECT_THAT(cache.out, HasSubstr("nothing was read so far"));
  EXPECT_THAT(cache.err, HasSubstr("lists.cache_ttl is 0s"));
  expect_usage({"lists", "cache", "--days", "0"}, "days: \"0\"");
  expect_code(4, {"lists", "show", "78"});
}

}  // namespace
}  // namespace spool::test
