#include "engine/app/event_words.hpp"

#include <gmock/gmock.h>

namespace spool::app {
namespace {

using testing::HasSubstr;

constexpr const char* kId = "4f1c2a0e-8a5e-5d0c-9a52-5b1f0b1f7a11";

EventWords read(std::string_view text) {
  EventWordReader reader;
  const auto done = reader.add_all(text);
  EXPECT_TRUE(done.ok()) << text << ": " << done.failure().text;
  return reader.words();
}

std::string refusal(std::string_view text) {
  EventWordReader reader;
  const auto done = reader.add_all(text);
  EXPECT_FALSE(done.ok()) << text;
  if (done.ok()) return "";
  EXPECT_EQ(done.failure().kind, base::FailureKind::invalid);
  return done.failure().text;
}

TEST(EventWords, EachWordHasItsPlace) {
  const EventWords words = read(
      "handler:h error:upstream.* topic:t fingerprint:f key:k type:progress.v1 source:s state:open "
      "age:>1h");
  EXPECT_EQ(words.filter.handler, "h");
  EXPECT_EQ(words.filter.error, "upstream.*");
  EXPECT_EQ(words.filter.topic, "t");
  EXPECT_EQ(words.filter.fingerprint, "f");
  EXPECT_EQ(words.filter.key, "k");
  EXPECT_EQ(words.filter.event_type, "progress.v1");
  EXPECT_EQ(words.filter.source, "s");
  EXPECT_EQ(words.filter.state, "open");
  EXPECT_EQ(words.age, 3'600'000'000);
  EXPECT_FALSE(words.empty);
}

TEST(EventWords, NothingSaidMeansEverything) {
  EXPECT_TRUE(read("").empty);
  EXPECT_TRUE(read("   ").empty);
  EXPECT_EQ(store::filter_json(read("").filter), "{}");
}

TEST(EventWords, ValuesMayHoldColonsSpacesAndQuotes) {
  EXPECT_EQ(read("key:42:603").filter.key, "42:603");
  EXPECT_EQ(read(R"(key:"a b" state:open)").filter.key, "a b");
  EXPECT_EQ(read(R"(key:"a \"b\" \\")").filter.key, R"(a "b" \)");
  EXPECT_EQ(read("key:\xc3\xa4").filter.key, "\xc3\xa4");
}

TEST(EventWords, IdsStandByThemselvesOrAsAWord) {
  const EventWords words = read(std::string(kId) + " id:" + kId);
  EXPECT_EQ(words.filter.ids.size(), 2U);
  EXPECT_EQ(base::to_string(words.filter.ids.front()), kId);
}

TEST(EventWords, AnAgeIsALowerBound) {
  EXPECT_EQ(read("age:90s").age, 90'000'000);
  EXPECT_EQ(read("age:>2d").age, 2 * 86'400'000'000);
  EXPECT_THAT(refusal("age:<1h"), HasSubstr("older than"));
  EXPECT_THAT(refusal("age:>1"), HasSubstr("unit"));
}

TEST(EventWords, WhatIsWrongIsSaid) {
  EXPECT_THAT(refusal("eror:x"), HasSubstr("did you mean error?"));
  EXPECT_THAT(refusal("qqqqqq:x"), HasSubstr("there are id, age, handler"));
  EXPECT_THAT(refusal("x"), HasSubstr("neither an id"));
  EXPECT_THAT(refusal(":x"), HasSubstr("neither an id"));
  EXPECT_THAT(refusal("key:"), HasSubstr("no value"));
  EXPECT_THAT(refusal("key:\"a"), HasSubstr("quote"));
  EXPECT_THAT(refusal("key:a key:b"), HasSubstr("twice"));
  EXPECT_THAT(refusal("age:1h age:2h"), HasSubstr("twice"));
  EXPECT_THAT(refusal("id:x"), HasSubstr("uuid"));
  EXPECT_THAT(refusal("state:opne"), HasSubstr("there are open, replaying"));
  EXPECT_THAT(refusal("key:\xff"), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace spool::app
