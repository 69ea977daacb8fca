#include "engine/config/shape.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace spool::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::optional<std::int64_t> number(const Shape& shape, std::string_view text) {
  const base::Result<Value> value = parse(shape, text);
  if (!value) return std::nullopt;
  return std::get<std::int64_t>(*value);
}

TEST(Durations, AreReadWithTheirUnit) {
  const Shape shape = duration(0ms, 24h * 100'000);
  EXPECT_EQ(number(shape, "0ms"), 0);
  EXPECT_EQ(number(shape, "500ms"), 500);
  EXPECT_EQ(number(shape, "10s"), 10'000);
  EXPECT_EQ(number(shape, "2m"), 120'000);
  EXPECT_EQ(number(shape, "1h"), 3'600'000);
  EXPECT_EQ(number(shape, "7d"), 7 * 86'400'000LL);
  for (const char* bad : {"", "10", "s", "1.5s", "-1s", "+1s", "10 s", " 10s", "10S", "10sec",
                          "1h30m", "0x1s", "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_EQ(number(shape, bad), std::nullopt) << bad;
  }
}

TEST(Durations, AreWrittenInTheLargestUnitThatFits) {
  const Shape shape = duration(0ms, 24h * 100'000);
  const std::pair<std::int64_t, const char*> table[] = {
      {0, "0ms"},      {1, "1ms"},      {1'500, "1500ms"},  {10'000, "10s"},
      {90'000, "90s"}, {120'000, "2m"}, {86'400'000, "24h"}};
  for (const auto& [value, text] : table) {
    EXPECT_EQ(to_text(shape, value), text);
    EXPECT_EQ(number(shape, text), value);
  }
}

TEST(Sizes, AreReadAsBytesOrWithAUnit) {
  const Shape shape = size(0, std::numeric_limits<std::int64_t>::max());
  const std::pair<const char*, std::int64_t> table[] = {{"0", 0},
                                                        {"4096", 4096},
                                                        {"7B", 7},
                                                        {"16kB", 16'000},
                                                        {"16KiB", 16'384},
                                                        {"3MB", 3'000'000},
                                                        {"64MiB", 64LL << 20},
                                                        {"1GB", 1'000'000'000},
                                                        {"2GiB", 2LL << 30}};
  for (const auto& [text, value] : table) EXPECT_EQ(number(shape, text), value) << text;
  for (const char* bad :
       {"", "MiB", "1.5MiB", "-1", "64mib", "64M", "64 MiB", "9223372036854775807kB"}) {
    EXPECT_EQ(number(shape, bad), std::nullopt) << bad;
  }
  EXPECT_EQ(to_text(shape, std::int64_t{64LL << 20}), "64MiB");
  EXPECT_EQ(to_text(shape, std::int64_t{16'000}), "16kB");
  EXPECT_EQ(to_text(shape, std::int64_t{17}), "17B");
}

TEST(Numbers, HaveBoundsAtBothEnds) {
  EXPECT_EQ(number(count(1, 10), "0"), std::nullopt);
  EXPECT_EQ(number(count(1, 10), "1"), 1);
  EXPECT_EQ(number(count(1, 10), "10"), 10);
  EXPECT_EQ(number(count(1, 10), "11"), std::nullopt);
  EXPECT_EQ(number(duration(1s, 2s), "999ms"), std::nullopt);
  EXPECT_EQ(number(duration(1s, 2s), "2001ms"), std::nullopt);
  EXPECT_THAT(parse(duration(1s, 2s), "1h").failure().text,
              ::testing::AllOf(HasSubstr("between 1s and 2s"), HasSubstr("got \"1h\"")));
}

TEST(Choices, ComeOutAsListedWhateverTheirCase) {
  const Shape shape = choice({"PLAIN", "SCRAM-SHA-256"});
  EXPECT_EQ(std::get<std::string>(*parse(shape, "scram-sha-256")), "SCRAM-SHA-256");
  EXPECT_FALSE(parse(shape, "PLAI"));
  EXPECT_FALSE(parse(shape, ""));
}

TEST(TypedValues, AreNotConverted) {
  EXPECT_TRUE(accept(flag(), true));
  EXPECT_FALSE(accept(flag(), std::string("true")));
  EXPECT_TRUE(accept(count(0, 9), std::int64_t{3}));
  EXPECT_FALSE(accept(count(0, 9), std::string("3")));
  EXPECT_FALSE(accept(text(), std::int64_t{3}));
  EXPECT_FALSE(accept(text(), true));
  EXPECT_TRUE(accept(size(0, 9), std::int64_t{3}));
  EXPECT_TRUE(accept(size(0, 9), std::string("3B")));
  EXPECT_FALSE(accept(duration(0s, 9s), std::int64_t{3}));
}

TEST(Ratios, AreNumbersFromZeroToOne) {
  const std::pair<const char*, double> table[] = {
      {"0", 0}, {"1", 1}, {"0.5", 0.5}, {"1e-05", 1e-5}};
  for (const auto& [text, value] : table) {
    const base::Result<Value> read = parse(ratio(), text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(std::get<double>(*read), value);
    EXPECT_EQ(to_text(ratio(), *read), text);
    EXPECT_EQ(to_toml(ratio(), *read), text);
  }
  for (const char* bad : {"", "1.01", "-0.1", "nan", "inf", "50%", "0,5", "0.5 "})
    EXPECT_FALSE(parse(ratio(), bad)) << bad;
  EXPECT_EQ(std::get<double>(*accept(ratio(), std::int64_t{1})), 1);
  EXPECT_EQ(std::get<double>(*accept(ratio(), 0.25)), 0.25);
  EXPECT_FALSE(accept(ratio(), std::int64_t{2}));
  EXPECT_FALSE(accept(ratio(), std::string("0.5")));
  EXPECT_FALSE(accept(ratio(), true));
}

TEST(Patterns, AreWordsOrBeginningsOfWords) {
  const Shape shape = pattern({"db.conflict", "db.disk_full", "_OTHER"});
  for (const char* good : {"db.conflict", "_OTHER", "db.*", "db.d*", "*"})
    EXPECT_TRUE(parse(shape, good)) << good;
  for (const char* bad : {"", "db", "db.", "dx.*", "*.conflict", "db.*.x", "DB.CONFLICT"})
    EXPECT_FALSE(parse(shape, bad)) << bad;
  EXPECT_THAT(parse(shape, "db.conflct").failure().text, HasSubstr("did you mean db.conflict?"));
}

using Numbers = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

TEST(Lists, AreReadItemByItem) {
  const Shape shape = list_of(duration(1ms, 1h));
  const std::pair<const char*, Numbers> table[] = {
      {"", {}}, {"30s", {30'000}}, {"30s,1m", {30'000, 60'000}}, {" 1s , 2s ", {1'000, 2'000}}};
  for (const auto& [text, value] : table) {
    const base::Result<Value> read = parse(shape, text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(std::get<Numbers>(*read), value) << text;
    EXPECT_EQ(*parse(shape, to_text(shape, *read)), *read);
  }
  for (const char* bad : {",", "1s,", ",1s", "1s,,2s", "1s;2s", "1s,0ms", "1s,2h", "30"})
    EXPECT_FALSE(parse(shape, bad)) << bad;
  EXPECT_THAT(parse(shape, "1s,2x").failure().text, HasSubstr("got \"2x\""));
  EXPECT_EQ(to_toml(shape, Numbers{30'000, 60'000}), R"(["30s", "1m"])");
  EXPECT_EQ(to_toml(shape, Numbers{}), "[]");
}

TEST(Lists, OfTextsKeepTheirOrder) {
  const Shape shape = list_of(pattern({"a.b", "c.d"}));
  EXPECT_EQ(std::get<Texts>(*parse(shape, "c.d, a.*")), (Texts{"c.d", "a.*"}));
  EXPECT_EQ(to_toml(shape, Texts{"c.d", "a.*"}), R"(["c.d", "a.*"])");
}

TEST(Lists, MayNeedAnItem) {
  const Shape shape = list_of(duration(1ms, 1h), 1);
  EXPECT_TRUE(parse(shape, "1s"));
  EXPECT_THAT(parse(shape, "").failure().text,
              HasSubstr("a list that is not empty, each a duration"));
  EXPECT_FALSE(accept(shape, Texts{}));
}

TEST(Lists, AreNotOtherValuesAndOtherValuesAreNoLists) {
  const Shape shape = list_of(duration(1ms, 1h));
  EXPECT_TRUE(accept(shape, Texts{"1s", "2s"}));
  EXPECT_FALSE(accept(shape, std::string("1s,2s")));
  EXPECT_FALSE(accept(shape, std::int64_t{1}));
  EXPECT_FALSE(accept(shape, true));
  EXPECT_FALSE(accept(shape, 0.5));
  EXPECT_FALSE(accept(duration(1ms, 1h), Texts{"1s"}));
  EXPECT_FALSE(accept(count(0, 9), 0.5));
}

TEST(Endpoints, HaveAHostAndAPort) {
  EXPECT_EQ(*parse_endpoint("127.0.0.1:9464"), (Endpoint{"127.0.0.1", 9464}));
  EXPECT_EQ(*parse_endpoint("[::1]:0"), (Endpoint{"::1", 0}));
  EXPECT_EQ(*parse_endpoint("localhost:65535"), (Endpoint{"localhost", 65535}));
  EXPECT_EQ(to_string(Endpoint{"::", 80}), "[::]:80");
  for (const char* bad : {"", ":80", "localhost", "localhost:", "::1", "::1:80", "[::1]", "[a]:80",
                          "h:65536", "h:-1", "h:80 ", "*:80", "http://h:80"}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
}

TEST(Topics, FollowKafka) {
  EXPECT_TRUE(parse(topic(), "spool.progress-events_2"));
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"),
                                 std::string(".."), std::string(250, 'a')}) {
    EXPECT_FALSE(parse(topic(), bad)) << bad;
  }
}

TEST(Secrets, AreMaskedInAUrl) {
  const auto shown = [](const char* url) {
    return std::get<std::string>(masked(database_url(), std::string(url)));
  };
  EXPECT_EQ(shown("postgresql://u:pa@h:5432/db"), "postgresql://u:********@h:5432/db");
  EXPECT_EQ(shown("postgresql://u@h:5432/db?connect_timeout=3"),
            "postgresql://u@h:5432/db?connect_timeout=3");
  EXPECT_EQ(shown("postgresql://h/db?password=a@b&sslpassword=c&x=1"),
            "postgresql://h/db?password=********&sslpassword=********&x=1");
  // Not percent-encoded, as it should be: nothing of it is shown all the same.
  for (const char* url : {"postgresql://u:s3cr@et@h/db", "postgresql://u:s3cr/et@h/db",
                          "postgresql://u:s3cr?et@h/db", "postgresql://u:s3cr:et@h/db"}) {
    EXPECT_THAT(shown(url), Not(HasSubstr("s3cr"))) << url;
    EXPECT_THAT(shown(url), Not(HasSubstr("et@"))) << url;
  }
}

TEST(Secrets, AreNotInErrors) {
  const std::string nul("hunter2\0", 8);
  EXPECT_THAT(parse(secret(), nul).failure().text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(parse(database_url(), "mysql://u:hunter2@h").failure().text,
              Not(HasSubstr("hunter2")));
  EXPECT_THAT(accept(secret(), std::int64_t{424242}).failure().text, Not(HasSubstr("424242")));
}

TEST(Secrets, TheirMaskIsNoValue) {
  EXPECT_FALSE(parse(secret(), kMask));
  EXPECT_FALSE(parse(database_url(), "postgresql://u:********@h/db"));
  EXPECT_EQ(std::get<std::string>(masked(secret(), std::string())), "");
}

TEST(Toml, TextIsEscaped) {
  EXPECT_EQ(to_toml(text(), std::string("a\"b\\c\n\x7F")), R"("a\"b\\c\u000A\u007F")");
  EXPECT_EQ(to_toml(flag(), true), "true");
  EXPECT_EQ(to_toml(count(0, 9), std::int64_t{5}), "5");
  EXPECT_EQ(to_toml(duration(0s, 9s), std::int64_t{5'000}), "\"5s\"");
}

}  // namespace
}  // namespace spool::config
