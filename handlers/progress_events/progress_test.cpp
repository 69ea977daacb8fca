#include "handlers/progress_events/progress.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/message/record_batch.hpp"

namespace spool::progress_events {
namespace {

using message::ErrorType;
using message::Rejection;

constexpr base::EpochMicros kNow = 1'767'400'000LL * 1'000'000;  // 2026-01-03T00:26:40Z

using Members = std::vector<std::pair<std::string, std::string>>;  // name, JSON text

const Members kEpisode{{"user_id", "7"},          {"media_type", "\"tv\""},
                       {"tmdb_id", "1399"},       {"season", "3"},
                       {"episode", "9"},          {"position_s", "1840"},
                       {"duration_s", "3180"},    {"updated_at", "\"2026-01-02T20:15:30.250Z\""},
                       {"session_id", "\"tv1\""}, {"state", "\"progress\""}};
const Members kMovie{{"user_id", "7"},       {"media_type", "\"movie\""},
                     {"tmdb_id", "603"},     {"position_s", "10"},
                     {"duration_s", "8160"}, {"updated_at", "\"2026-01-02T20:15:30.250Z\""}};

Members with(Members members, const std::string& name, const std::string& json) {
  for (auto& member : members) {
    if (member.first != name) continue;
    member.second = json;
    return members;
  }
  members.emplace_back(name, json);
  return members;
}

Members without(Members members, const std::string& name) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  return members;
}

class ProgressTest : public testing::Test {
 protected:
  std::variant<Progress, Rejection> decode(const Members& members) {
    memory_ = "{";
    for (const auto& [name, json] : members)
      memory_ += (memory_.size() > 1 ? ",\"" : "\"") + name + "\":" + json;
    memory_ += "}";
    const std::size_t size = memory_.size();
    memory_.append(message::kReadAheadBytes, ' ');
    return decoder_.decode(std::string_view(memory_).substr(0, size), kNow);
  }

  Progress accepted(const Members& members) {
    const auto result = decode(members);
    const auto* rejection = std::get_if<Rejection>(&result);
    EXPECT_EQ(rejection, nullptr) << rejection->message();
    return rejection == nullptr ? std::get<Progress>(result) : Progress{};
  }

  // The field that a violation names.
  std::string refused(const Members& members) {
    const auto result = decode(members);
    const auto* rejection = std::get_if<Rejection>(&result);
    if (rejection == nullptr) return "accepted";
    EXPECT_EQ(rejection->type, ErrorType::schema_violation);
    EXPECT_FALSE(rejection->text.empty());
    return rejection->field;
  }

  // Of an integer field: its bounds are in, what lies beside them is out, other types are out.
  void expect_integer(const Members& members, const std::string& name, const std::string& lowest,
                      const std::string& below, const std::string& highest,
                      const std::string& above) {
    EXPECT_EQ(refused(with(members, name, lowest)), "accepted") << name;
    EXPECT_EQ(refused(with(members, name, highest)), "accepted") << name;
    for (const std::string& json :
         {below, above, std::string("1.5"), std::string("1.0"), std::string("1e2"),
          std::string("\"1\""), std::string("true"), std::string("[1]"), std::string("{}"),
          std::string("99999999999999999999")})
      EXPECT_EQ(refused(with(members, name, json)), name) << json;
  }

  Decoder decoder_;
  std::string memory_;
};

TEST_F(ProgressTest, ReadsEveryField) {
  const Progress p = accepted(kEpisode);
  EXPECT_EQ(p.user_id, 7);
  EXPECT_EQ(p.media_type, MediaType::tv);
  EXPECT_EQ(p.tmdb_id, 1399);
  EXPECT_EQ(p.season, 3);
  EXPECT_EQ(p.episode, 9);
  EXPECT_EQ(p.position_s, 1840);
  EXPECT_EQ(p.duration_s, 3180);
  EXPECT_EQ(p.updated_at, *base::parse_rfc3339("2026-01-02T20:15:30.250Z"));
  EXPECT_EQ(p.session_id, "tv1");
  EXPECT_EQ(p.state, State::progress);
}

TEST_F(ProgressTest, OptionalFieldsMayBeAbsentOrNull) {
  const Progress p = accepted(kMovie);
  EXPECT_EQ(p.season, 0);
  EXPECT_EQ(p.episode, 0);
  EXPECT_EQ(p.session_id, "");
  EXPECT_EQ(p.state, State::none);
  Members nulls = kMovie;
  for (const char* name : {"season", "episode", "session_id", "state"})
    nulls.emplace_back(name, "null");
  EXPECT_EQ(accepted(nulls), p);
}

TEST_F(ProgressTest, RequiredFieldsAreNamedWhenTheyAreMissing) {
  for (const char* name : {"user_id", "media_type", "tmdb_id", "season", "episode", "position_s",
                           "duration_s", "updated_at"}) {
    EXPECT_EQ(refused(without(kEpisode, name)), name);
    EXPECT_EQ(refused(with(kEpisode, name, "null")), name);
  }
}

TEST_F(ProgressTest, IntegersAreWithinTheirBounds) {
  expect_integer(kEpisode, "user_id", "1", "0", "9223372036854775807", "9223372036854775808");
  expect_integer(kEpisode, "tmdb_id", "1", "0", "2147483647", "2147483648");
  expect_integer(kEpisode, "season", "0", "-1", "32767", "32768");
  expect_integer(kEpisode, "episode", "0", "-1", "32767", "32768");
  expect_integer(kEpisode, "position_s", "0", "-1", "3180", "3181");
  expect_integer(with(kEpisode, "position_s", "1"), "duration_s", "1", "0", "86399", "86400");
}

TEST_F(ProgressTest, NothingLastsZeroSeconds) {
  EXPECT_EQ(refused(with(with(kMovie, "position_s", "0"), "duration_s", "0")), "duration_s");
}

TEST_F(ProgressTest, MediaTypeIsMovieOrTv) {
  for (const char* json : {"\"Movie\"", "\"\"", "\"tv_series\"", "1", "true", "[]"})
    EXPECT_EQ(refused(with(kEpisode, "media_type", json)), "media_type") << json;
}

TEST_F(ProgressTest, AMovieHasNoSeason) {
  EXPECT_EQ(refused(with(with(kMovie, "season", "0"), "episode", "0")), "accepted");
  EXPECT_EQ(refused(with(kMovie, "season", "1")), "season");
  EXPECT_EQ(refused(with(kMovie, "episode", "1")), "episode");
}

TEST_F(ProgressTest, UpdatedAtIsATimeThatAPlayerCanHave) {
  const auto at = [](base::EpochMicros time) { return '"' + base::format_rfc3339(time) + '"'; };
  for (const char* json : {"\"\"", "\"now\"", "\"2026-01-02\"", "\"2026-01-02T20:15:30\"", "5",
                           "\"2026-02-30T20:15:30Z\"", "{}"})
    EXPECT_EQ(refused(with(kMovie, "updated_at", json)), "updated_at") << json;
  EXPECT_EQ(accepted(with(kMovie, "updated_at", at(kNow + kFutureMax))).updated_at,
            kNow + kFutureMax);
  EXPECT_EQ(refused(with(kMovie, "updated_at", at(kNow + kFutureMax + 1))), "updated_at");
  EXPECT_EQ(accepted(with(kMovie, "updated_at", at(kUpdatedAtMin))).updated_at, kUpdatedAtMin);
  EXPECT_EQ(refused(with(kMovie, "updated_at", at(kUpdatedAtMin - 1))), "updated_at");
  EXPECT_EQ(base::format_rfc3339(kUpdatedAtMin), "2000-01-01T00:00:00.000000Z");
}

TEST_F(ProgressTest, SessionIdIsShortText) {
  EXPECT_EQ(accepted(with(kMovie, "session_id", '"' + std::string(128, 'x') + '"')).session_id,
            std::string(128, 'x'));
  EXPECT_EQ(refused(with(kMovie, "session_id", '"' + std::string(129, 'x') + '"')), "session_id");
  EXPECT_EQ(refused(with(kMovie, "session_id", R"("a\u0000")")), "session_id");
  EXPECT_EQ(refused(with(kMovie, "session_id", "1")), "session_id");
  EXPECT_EQ(accepted(with(kMovie, "session_id", R"("\"{}\\,'é")")).session_id, "\"{}\\,'é");
}

TEST_F(ProgressTest, StateIsOneOfThree) {
  for (const State state : {State::start, State::progress, State::stop})
    EXPECT_EQ(accepted(with(kMovie, "state", '"' + std::string(to_string(state)) + '"')).state,
              state);
  for (const char* json : {"\"paused\"", "\"\"", "\"Stop\"", "1", "{}"})
    EXPECT_EQ(refused(with(kMovie, "state", json)), "state") << json;
}

TEST_F(ProgressTest, EveryKnownFieldStandsThereOnce) {
  for (const auto& [name, json] : kEpisode) {
    Members twice = kEpisode;
    twice.emplace_back(name, json);
    EXPECT_EQ(refused(twice), name);
  }
}

TEST_F(ProgressTest, UnknownFieldsAreIgnored) {
  EXPECT_EQ(accepted(with(kEpisode, "device", R"({"a":[1,2,{"b":null}]})")), accepted(kEpisode));
}

TEST(Completes, AtTheShareOfTheDurationOrBeyond) {
  const auto completed = [](std::int32_t position, std::int32_t duration, int percent) {
    Progress p;
    p.position_s = position;
    p.duration_s = duration;
    return completes(p, percent);
  };
  EXPECT_TRUE(completed(900, 1000, 90));
  EXPECT_FALSE(completed(899, 1000, 90));
  EXPECT_FALSE(completed(9, 11, 90));  // 81.8 %
  EXPECT_TRUE(completed(10, 11, 90));
  EXPECT_TRUE(completed(1, 1, 100));
  EXPECT_FALSE(completed(0, 1, 1));
  EXPECT_TRUE(completed(86'399, 86'399, 100));
}

}  // namespace
}  // namespace spool::progress_events
